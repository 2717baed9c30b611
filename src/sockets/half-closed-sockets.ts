import { isOpen } from '../layers/node-internals.js';
import { Round } from './round.js';
import type { Entry } from './watched-sockets.js';

/** How many sockets that are not yet known leaks one sample reads at most: about 3 µs each. */
const READ_AT_MOST = 1_500;
/** A known leak without a JS socket is read again at least this often: nothing else tells that it was closed. */
const OWNERLESS_LAP_MS = 30_000;
/** One with a JS socket is asked whether it was closed; what else may happen to it can wait. */
const OWNED_LAP_MS = 120_000;
const KNOWN_AT_LEAST = 32;
/** Of how many known leaks one sample asks whether their owner has closed them: about 0.5 µs each. */
const LOOK_AT_MOST = 1_500;

/** Hears of the sockets that are half-closed no more. Each guard has one, and takes at its own pace. */
export interface ClosedQueue {
  /** The cookies since it was last asked. */
  take(): bigint[];
  dispose(): void;
}

interface Follower {
  readonly follows: (cookie: bigint) => boolean;
  readonly queue: bigint[];
}

/**
 * The half-closed, reset and stalled sockets of a table, and which of them a sample reads. Few are read all each time. Of
 * known leaks, which may be thousands and of which nothing is expected, a slice: the cost of a sample does not follow them.
 * One whose owner has closed it is read at once.
 */
export class HalfClosedSockets {
  readonly #entries = new Map<bigint, Entry>();
  /** Not known as leaks. */
  readonly #fresh = new Round<bigint, Entry>();
  /** Known leaks that had a JS socket in this thread. */
  readonly #owned = new Round<bigint, Entry>();
  /** The same, for asking them whether they were closed. */
  readonly #closing = new Round<bigint, Entry>();
  /** Known leaks of which only the fd is known. */
  readonly #ownerless = new Round<bigint, Entry>();
  readonly #followers = new Set<Follower>();

  has(cookie: bigint): boolean {
    return this.#entries.has(cookie);
  }

  add(entry: Entry): void {
    this.#entries.set(entry.cookie, entry);
    // One that is known may be added again: a stalled leak's FIN has arrived at last.
    if (!entry.known) this.#fresh.set(entry.cookie, entry);
  }

  delete(cookie: bigint): void {
    const entry = this.#entries.get(cookie);
    if (!entry) return;
    this.#entries.delete(cookie);
    // It may come back: a stalled socket that goes on may stall again.
    entry.known = false;
    entry.closeSeen = false;
    for (const round of [this.#fresh, this.#owned, this.#closing, this.#ownerless]) round.delete(cookie);
    this.tellClosed([cookie]);
  }

  /** Says that a guard has counted this socket as a leak. */
  markKnown(cookie: bigint): void {
    const entry = this.#entries.get(cookie);
    if (!entry || entry.known) return;
    entry.known = true;
    this.#fresh.delete(cookie);
    if (entry.socket === undefined) this.#ownerless.set(cookie, entry);
    else for (const round of [this.#owned, this.#closing]) round.set(cookie, entry);
  }

  /** A guard has closed, and what it knew another may have to find out: all are read again. */
  forgetKnown(): void {
    for (const round of [this.#owned, this.#closing, this.#ownerless]) round.clear();
    for (const [cookie, entry] of this.#entries) {
      entry.known = false;
      this.#fresh.set(cookie, entry);
    }
  }

  tellClosed(cookies: readonly bigint[]): void {
    for (const { follows, queue } of this.#followers)
      for (const cookie of cookies) if (follows(cookie)) queue.push(cookie);
  }

  /** @param follows only these are told, so that the queue of a guard that takes rarely stays as short as its ledger */
  followClosed(follows: (cookie: bigint) => boolean): ClosedQueue {
    const follower: Follower = { follows, queue: [] };
    this.#followers.add(follower);
    return { take: () => follower.queue.splice(0), dispose: () => this.#followers.delete(follower) };
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  these(cookies: ReadonlySet<bigint>): Entry[] {
    return Array.from(cookies, (cookie) => this.#entries.get(cookie)).filter((entry) => entry !== undefined);
  }

  /** What a timed sample reads. */
  slice(intervalMs: number): Entry[] {
    return [
      ...this.#fresh.next(READ_AT_MOST),
      ...this.#owned.next(shareOf(this.#owned.size, intervalMs, OWNED_LAP_MS)),
      ...this.#ownerless.next(shareOf(this.#ownerless.size, intervalMs, OWNERLESS_LAP_MS)),
      ...this.#closing.next(LOOK_AT_MOST).filter(hasJustBeenClosed),
    ];
  }

  clear(): void {
    this.#entries.clear();
    for (const round of [this.#fresh, this.#owned, this.#closing, this.#ownerless]) round.clear();
    this.#followers.clear();
  }
}

function shareOf(count: number, intervalMs: number, lapMs: number): number {
  return Math.max(KNOWN_AT_LEAST, Math.ceil((count * intervalMs) / lapMs));
}

/** Once for each: what stays open although its owner closed it is held by another process, and is no news. */
function hasJustBeenClosed(entry: Entry): boolean {
  if (entry.closeSeen || entry.socket === undefined || isOpen(entry.socket.deref())) return false;
  entry.closeSeen = true;
  return true;
}
