import type { NativeBinding, NativeHalfCloseWatch } from './native.js';

/** What one drain of the watch found: the peer of the socket with this cookie has sent its FIN or a RST. */
export interface HalfClose {
  readonly cookie: bigint;
  /** True when EPOLLERR came with it: the connection ended by a RST (or a time-out), not by an orderly close. */
  readonly aborted: boolean;
}

/** One entry for each fd, in their order. */
export interface Added {
  /** 0n for what is no TCP socket. */
  readonly cookies: BigUint64Array;
  /** 0, or why this fd is not on the watch. */
  readonly errnos: Int32Array;
}

const NONE: readonly HalfClose[] = [];
const EPOLLERR = 0x008;
const DRAIN_BATCH = 256;

/**
 * The half-close watch: an epoll set of its own, EPOLLRDHUP|EPOLLET (epoll_ctl(2)). It is silent on data, fires once when
 * the peer has sent its FIN, at once when that happened before the socket was added, and forgets an fd that is closed.
 * So its cost follows the number of half-closes, not of connections.
 *
 * It may be without an epoll set: the process has no fd left when it is made, or something closes a number that is not its
 * own. Then `add()` refuses each socket with EBADF, `drain()` throws, and `reopen()` may be tried at any time.
 */
export class HalfCloseWatch {
  readonly #native: NativeHalfCloseWatch;
  readonly #cookies = new BigUint64Array(DRAIN_BATCH);
  readonly #events = new Uint32Array(DRAIN_BATCH);

  /** Call `reopen()` before anything else. */
  constructor(binding: NativeBinding) {
    this.#native = new binding.HalfCloseWatch(false);
  }

  /**
   * Opens an empty set, in place of the one there was.
   * @throws Error CWG_ERR_SYSCALL
   */
  reopen(): void {
    this.#native.reopen();
  }

  /**
   * From now on this thread answers for the sockets that have a cookie, whether the kernel took them or not.
   * @param areTcp they are known to be TCP sockets: two system calls less for each
   */
  add(fds: Int32Array, areTcp = false): Added {
    const cookies = new BigUint64Array(fds.length);
    const errnos = new Int32Array(fds.length);
    if (fds.length > 0) this.#native.add(fds, fds.length, cookies, errnos, areTcp);
    return { cookies, errnos };
  }

  /** This thread no longer answers for these sockets. */
  forget(cookies: readonly bigint[]): void {
    if (cookies.length > 0) this.#native.forget(BigUint64Array.from(cookies));
  }

  /** @throws Error CWG_ERR_SYSCALL where the set cannot be read. */
  drain(): readonly HalfClose[] {
    let count = this.#native.drain(this.#cookies, this.#events);
    if (count === 0) return NONE;
    const found: HalfClose[] = [];
    for (;;) {
      for (let i = 0; i < count; i++) {
        found.push({ cookie: this.#cookies[i] ?? 0n, aborted: ((this.#events[i] ?? 0) & EPOLLERR) !== 0 });
      }
      if (count < DRAIN_BATCH) return found;
      count = this.#native.drain(this.#cookies, this.#events);
    }
  }

  close(): void {
    this.#native.close();
  }
}
