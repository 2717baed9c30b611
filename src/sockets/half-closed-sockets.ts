import { isOpen } from '../layers/node-internals.js';
import { Round } from './round.js';
import type { WatchedSocket } from './watched-socket.js';

/** How many sockets that are no leaks yet one sample reads at most: about 3 µs each. */
const READ_AT_MOST = 1_500;
/** A known leak without a JS socket is read again at least this often: nothing else tells that it was closed. */
const OWNERLESS_LAP_MS = 30_000;
/** One with a JS socket is asked whether it was closed; what else may happen to it can wait. */
const OWNED_LAP_MS = 120_000;
/** Few leaks are all read within some samples: 15 µs each. */
const LEAKS_AT_LEAST = 3;
/** Of how many known leaks one sample asks whether their owner has closed them: about 0.5 µs each. */
const ASK_AT_MOST = 1_000;
/** In so many turns of the event loop a sample reads the known leaks, where they are not few. */
const LEAK_SLICES = 4;
const MANY_LEAKS = 256;

/** Hears of the sockets that are half-closed no more. Each guard has one, and takes at its own pace. */
export class ClosedQueue {
  readonly #follows: (cookie: bigint) => boolean;
  #cookies: bigint[] = [];

  constructor(
    follows: (cookie: bigint) => boolean,
    readonly dispose: () => void,
  ) {
    this.#follows = follows;
  }

  get isEmpty(): boolean {
    return this.#cookies.length === 0;
  }

  tell(cookie: bigint): void {
    if (this.#follows(cookie)) this.#cookies.push(cookie);
  }

  /** The cookies since it was last asked. */
  take(): bigint[] {
    return this.#cookies.splice(0);
  }
}

/**
 * The half-closed, reset and stalled sockets of a table, and which of them a sample reads. Few are read all each time. Of
 * known leaks, which may be thousands and of which nothing is expected, a slice: the cost of a sample does not follow them.
 * One whose owner has closed it is read at once.
 */
export class HalfClosedSockets {
  readonly #sockets = new Map<bigint, WatchedSocket>();
  /** No leaks yet. */
  readonly #fresh = new Round<bigint, WatchedSocket>();
  /** Leaks that had a JS socket in this thread. */
  readonly #owned = new Round<bigint, WatchedSocket>();
  /** The same, for asking them whether they were closed. */
  readonly #closing = new Round<bigint, WatchedSocket>();
  /** Leaks of which only the fd is known. */
  readonly #ownerless = new Round<bigint, WatchedSocket>();
  readonly #followers = new Set<ClosedQueue>();

  has(cookie: bigint): boolean {
    return this.#sockets.has(cookie);
  }

  add(watched: WatchedSocket): void {
    this.#sockets.set(watched.cookie, watched);
    // A leak may be added again: a stalled leak's FIN has arrived at last.
    if (!watched.isLeak) this.#fresh.set(watched.cookie, watched);
  }

  delete(cookie: bigint): void {
    const watched = this.#sockets.get(cookie);
    if (!watched) return;
    this.#sockets.delete(cookie);
    // It may come back: a stalled socket that goes on may stall again.
    watched.isLeak = false;
    watched.closeSeen = false;
    for (const round of [this.#fresh, this.#owned, this.#closing, this.#ownerless]) round.delete(cookie);
    this.tellClosed([cookie]);
  }

  /** A guard has found that this socket is a leak: from now on it is read in slices. */
  markLeak(cookie: bigint): void {
    const watched = this.#sockets.get(cookie);
    if (!watched || watched.isLeak) return;
    watched.isLeak = true;
    this.#fresh.delete(cookie);
    if (watched.socket === undefined) this.#ownerless.set(cookie, watched);
    else for (const round of [this.#owned, this.#closing]) round.set(cookie, watched);
  }

  /** A guard has closed, and another may have to find its leaks: all are read again. */
  forgetLeaks(): void {
    for (const round of [this.#owned, this.#closing, this.#ownerless]) round.clear();
    for (const [cookie, watched] of this.#sockets) {
      watched.isLeak = false;
      this.#fresh.set(cookie, watched);
    }
  }

  tellClosed(cookies: readonly bigint[]): void {
    for (const queue of this.#followers) for (const cookie of cookies) queue.tell(cookie);
  }

  /** @param follows only these are told, so that the queue of a guard that takes rarely stays as short as its ledger */
  followClosed(follows: (cookie: bigint) => boolean): ClosedQueue {
    const queue = new ClosedQueue(follows, () => this.#followers.delete(queue));
    this.#followers.add(queue);
    return queue;
  }

  all(): WatchedSocket[] {
    return [...this.#sockets.values()];
  }

  these(cookies: ReadonlySet<bigint>): WatchedSocket[] {
    return Array.from(cookies, (cookie) => this.#sockets.get(cookie)).filter((watched) => watched !== undefined);
  }

  hasLeaks(): boolean {
    return this.#owned.size + this.#ownerless.size > 0;
  }

  /**
   * Whether a sample may do without reading any: there is none, or there are known leaks alone, of which asking their owners tells what is
   * news. Of few the samples read all, of many not all are asked: neither can be left out.
   */
  get mayRest(): boolean {
    const { size } = this.#sockets;
    return size === 0 || (size === this.#owned.size && size > LEAKS_AT_LEAST && size <= MANY_LEAKS);
  }

  /** Whether the owner of a known leak has closed it since it was last read. */
  hasNewlyClosed(): boolean {
    for (const watched of this.#closing.all()) if (isNewlyClosed(watched)) return true;
    return false;
  }

  /** Those that are no leaks yet: what a timed sample reads. */
  fresh(): WatchedSocket[] {
    return this.#fresh.next(READ_AT_MOST);
  }

  /** In how many turns the known leaks that are due in one sample are read. */
  get leakSlices(): number {
    return this.#owned.size + this.#ownerless.size > MANY_LEAKS ? LEAK_SLICES : 1;
  }

  /** The known leaks that are due in one of these turns, where samples are `intervalMs` apart and the last `samples` have read none. */
  leaksDue(intervalMs: number, samples: number): WatchedSocket[] {
    const slice = intervalMs / this.leakSlices;
    return [
      ...this.#owned.next(samples * shareOf(this.#owned.size, slice, OWNED_LAP_MS)),
      ...this.#ownerless.next(samples * shareOf(this.#ownerless.size, slice, OWNERLESS_LAP_MS)),
      ...this.#closing.next(ASK_AT_MOST / this.leakSlices).filter(noteClosed),
    ];
  }

  clear(): void {
    this.#sockets.clear();
    for (const round of [this.#fresh, this.#owned, this.#closing, this.#ownerless]) round.clear();
    this.#followers.clear();
  }
}

function shareOf(count: number, intervalMs: number, lapMs: number): number {
  return Math.max(LEAKS_AT_LEAST, Math.ceil((count * intervalMs) / lapMs));
}

/** What stays open although its owner closed it is held by another process, and is news once. */
function isNewlyClosed({ closeSeen, socket }: WatchedSocket): boolean {
  return !closeSeen && socket !== undefined && !isOpen(socket.deref());
}

function noteClosed(watched: WatchedSocket): boolean {
  const isNews = isNewlyClosed(watched);
  watched.closeSeen ||= isNews;
  return isNews;
}
