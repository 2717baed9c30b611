/** How much is kept for a log that takes nothing. Beyond it the oldest lines are dropped and counted. */
export interface QueueLimits {
  readonly lines: number;
  readonly bytes: number;
}

/**
 * The lines that are not written yet, oldest first. What does not fit is dropped and counted, and the count is written before
 * the oldest line that is left, as a line of its own.
 */
export class LineQueue {
  readonly #limits: QueueLimits;
  readonly #noticeOf: (dropped: number) => Buffer;
  readonly #lines: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  /** The line that is partly written, and so cannot be dropped any more. */
  #begun: { readonly bytes: Buffer; readonly notices: number } | undefined;

  constructor(limits: QueueLimits, noticeOf: (dropped: number) => Buffer) {
    this.#limits = limits;
    this.#noticeOf = noticeOf;
  }

  get empty(): boolean {
    return this.waiting === 0;
  }

  /** Lines of events that are not written: kept, or dropped and not yet reported. */
  get waiting(): number {
    return this.#lines.length + this.#dropped;
  }

  push(line: Buffer): void {
    const first = this.#begun?.notices === 0 ? 1 : 0;
    while (
      this.#lines.length > first &&
      (this.#lines.length >= this.#limits.lines || this.#bytes + line.length > this.#limits.bytes)
    ) {
      this.#bytes -= this.#lines.splice(first, 1)[0]?.length ?? 0;
      this.#dropped++;
    }
    this.#lines.push(line);
    this.#bytes += line.length;
  }

  /** The line to write next: the same one until `done()` is called. */
  next(): Buffer | undefined {
    if (this.#begun) return this.#begun.bytes;
    return this.#dropped > 0 ? this.#noticeOf(this.#dropped) : this.#lines[0];
  }

  /** A part of `line`, which next() returned, is written. */
  begun(line: Buffer): void {
    this.#begun ??= { bytes: line, notices: this.#dropped };
  }

  /** The line that next() returned is written completely. */
  done(): void {
    const notices = this.#begun?.notices ?? this.#dropped;
    if (notices > 0) this.#dropped -= notices;
    else this.#bytes -= this.#lines.shift()?.length ?? 0;
    this.#begun = undefined;
  }
}
