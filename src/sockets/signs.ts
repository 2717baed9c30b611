/** What is read; -1 where the kernel does not tell. */
export interface KernelNumbers {
  readonly openFds: () => number;
  readonly closedWindows: () => number;
}

/** What says that a search is worth its while: a number of the kernel's that moves when there may be something new. */
class Sign {
  readonly #read: () => number;
  #last = UNKNOWN;
  #nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(read: () => number) {
    this.#read = read;
  }

  /** Whether it has moved since it was last read, `everyMs` ago or more. A number that is not told may always have. */
  hasMoved(nowMs: number, everyMs: number): boolean {
    if (nowMs < this.#nextAtMs) return false;
    this.#nextAtMs = nowMs + everyMs;
    const now = this.#read();
    const moved = now === UNKNOWN || now !== this.#last;
    this.#last = now;
    return moved;
  }

  /** It is not read before then. */
  wait(untilMs: number): void {
    this.#nextAtMs = Math.max(this.#nextAtMs, untilMs);
  }
}

const UNKNOWN = -1;

/**
 * Two numbers that the kernel tells for little, and that stand still while nothing happens: how many fds are open (a socket that
 * nobody announced is one more; one that was closed is one less), and how often a receive window has closed in the network
 * namespace (each stalled socket's has). A replaced fd leaves the first as it was, and what was there before the guard moves neither: so
 * there are laps whatever they say.
 */
export class Signs {
  readonly #fds: Sign;
  readonly #windows: Sign;
  #seen = false;

  constructor({ openFds, closedWindows }: KernelNumbers) {
    this.#fds = new Sign(openFds);
    this.#windows = new Sign(closedWindows);
  }

  /** @param everyMs each is read once in that time, and not in the same sample where there are several */
  read(nowMs: number, everyMs: number): { readonly fds: boolean; readonly windows: boolean } {
    const windows = this.#windows.hasMoved(nowMs, everyMs);
    const fds = this.#fds.hasMoved(nowMs, everyMs);
    if (!this.#seen) this.#fds.wait(nowMs + everyMs * 1.5);
    this.#seen = true;
    return { fds, windows };
  }
}
