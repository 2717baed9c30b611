/** What is read; -1 where the kernel does not tell. */
export interface KernelNumbers {
  readonly openFds: () => number;
  readonly closedWindows: () => number;
}

/** What says that a search is worth its while: a number of the kernel's that moves when there may be something new. */
class Sign {
  readonly #read: () => number;
  #last = UNKNOWN;

  constructor(read: () => number) {
    this.#read = read;
  }

  /** Whether it has moved since it was last read. A number that is not told may always have. */
  hasMoved(): boolean {
    const now = this.#read();
    const moved = now === UNKNOWN || now !== this.#last;
    this.#last = now;
    return moved;
  }
}

const UNKNOWN = -1;
const NONE_MOVED = { fds: false, windows: false };

/**
 * Two numbers that the kernel tells for little, and that stand still while nothing happens: how many fds are open (a socket that
 * nobody announced is one more; one that was closed is one less), and how often a receive window has closed in the network
 * namespace (each stalled socket's has). A replaced fd leaves the first as it was, and what was there before the guard moves neither: so
 * there are laps whatever they say.
 */
export class Signs {
  readonly #fds: Sign;
  readonly #windows: Sign;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor({ openFds, closedWindows }: KernelNumbers) {
    this.#fds = new Sign(openFds);
    this.#windows = new Sign(closedWindows);
  }

  /** When they are next to be read. */
  nextAtMs(everyMs: number): number {
    return this.#readAtMs + everyMs;
  }

  /** Which have moved. They are read once in `everyMs`, both in the same sample: most of its cost is that it is a whole one. */
  read(nowMs: number, everyMs: number): { readonly fds: boolean; readonly windows: boolean } {
    if (nowMs < this.nextAtMs(everyMs)) return NONE_MOVED;
    this.#readAtMs = nowMs;
    return { windows: this.#windows.hasMoved(), fds: this.#fds.hasMoved() };
  }
}
