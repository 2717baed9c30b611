import type { NativeBinding } from './native.js';

/** How many numbers one step visits. */
const STEP = 128;

export interface TcpFd {
  readonly fd: number;
  readonly cookie: bigint;
}

/**
 * Walks the fd table a fixed number of fd numbers at a time, so that the search for sockets that nobody announced costs the same
 * in every sample. One lap over 10,000 fds at the default step takes 80 samples.
 */
export class FdWalk {
  readonly #binding: NativeBinding;
  readonly #step: number;
  readonly #fds: Int32Array;
  readonly #cookies: BigUint64Array;
  readonly #next = new Int32Array(1);
  #position = 0;
  #end = 0;

  constructor(binding: NativeBinding, step = STEP) {
    this.#binding = binding;
    this.#step = step;
    this.#fds = new Int32Array(step);
    this.#cookies = new BigUint64Array(step);
  }

  /** The TCP fds (no listeners) among the next `step` fd numbers. */
  next(): TcpFd[] {
    if (this.#position >= this.#end) {
      this.#position = 0;
      this.#end = this.#binding.fdTableSize();
    }
    const from = this.#position;
    const to = Math.min(from + this.#step, this.#end);
    this.#position = to;
    const count = this.#binding.listTcpFds(from, to, this.#fds, this.#cookies);
    return this.#found(count);
  }

  /**
   * As next(), past the numbers that are known (a byte each, not 0). Those cost no system call, nor do numbers that are not open:
   * the step is of others.
   */
  nextUnknown(known: Uint8Array): TcpFd[] {
    this.#end = Number.POSITIVE_INFINITY;
    const count = this.#binding.visitUnknownTcpFds(this.#position, known, this.#fds, this.#cookies, this.#next);
    this.#position = this.#next[0]!;
    if (this.#position < 0) this.restart();
    return this.#found(count);
  }

  /** The next `next()` begins at the lowest number. */
  restart(): void {
    this.#position = this.#end = 0;
  }

  /** Whether the last `next()` came to the end of the table, so that a lap is complete. */
  get atEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** Whether the next nextUnknown() begins a lap. */
  get atStart(): boolean {
    return this.#position === 0 || this.atEnd;
  }

  /** One whole lap. Its cost grows with the fd table: for tests and on-demand guards, not for a timed sample. */
  lap(): TcpFd[] {
    this.#position = 0;
    this.#end = this.#binding.fdTableSize();
    const found: TcpFd[] = [];
    while (this.#position < this.#end) found.push(...this.next());
    return found;
  }

  #found(count: number): TcpFd[] {
    return Array.from({ length: count }, (_, i) => ({ fd: this.#fds[i] ?? -1, cookie: this.#cookies[i] ?? 0n }));
  }
}
