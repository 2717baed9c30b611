import type { NativeBinding } from './native.js';

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
  #position = 0;
  #end = 0;

  constructor(binding: NativeBinding, step = 128) {
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
    return Array.from({ length: count }, (_, i) => ({ fd: this.#fds[i] ?? -1, cookie: this.#cookies[i] ?? 0n }));
  }

  /** The next `next()` begins at the lowest number. */
  restart(): void {
    this.#position = this.#end = 0;
  }

  /** Whether the last `next()` came to the end of the table, so that a lap is complete. */
  get atEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** One whole lap. Its cost grows with the fd table: for tests and on-demand guards, not for a timed sample. */
  lap(): TcpFd[] {
    this.#position = 0;
    this.#end = this.#binding.fdTableSize();
    const found: TcpFd[] = [];
    while (this.#position < this.#end) found.push(...this.next());
    return found;
  }
}
