import { isOpen } from './node-internals.js';
import type { Entry } from './watched-sockets.js';

/** How many sockets that are not yet known leaks one sample reads at most: about 3 µs each. */
const READ_AT_MOST = 1_500;
/** A known leak is read again at least this often. */
const KNOWN_LAP_MS = 30_000;
const KNOWN_AT_LEAST = 32;

/** Hears of the sockets that are half-closed no more. Each guard has one, and takes at its own pace. */
export interface ClosedQueue {
  /** The cookies since it was last asked. */
  take(): bigint[];
  dispose(): void;
}

/**
 * The half-closed, reset and stalled sockets of a table, and which of them a sample reads. Few are read all each time. Of
 * known leaks, which may be thousands and of which nothing is expected, a slice: the cost of a sample does not follow them.
 * One whose owner has closed it is read at once.
 */
export class HalfClosedSockets {
  readonly #entries = new Map<bigint, Entry>();
  /** The known leaks among them. */
  readonly #known = new Map<bigint, Entry>();
  readonly #queues = new Set<bigint[]>();
  #cursor = 0;
  #knownCursor = 0;

  get size(): number {
    return this.#entries.size;
  }

  has(cookie: bigint): boolean {
    return this.#entries.has(cookie);
  }

  add(entry: Entry): void {
    this.#entries.set(entry.cookie, entry);
  }

  delete(cookie: bigint): void {
    if (!this.#entries.delete(cookie)) return;
    this.#known.delete(cookie);
    this.tellClosed([cookie]);
  }

  /** Says that a guard has counted this socket as a leak. */
  markKnown(cookie: bigint): void {
    const entry = this.#entries.get(cookie);
    if (entry) this.#known.set(cookie, entry);
  }

  /** A guard has closed, and what it knew another may have to find out: all are read again. */
  forgetKnown(): void {
    this.#known.clear();
  }

  tellClosed(cookies: readonly bigint[]): void {
    for (const queue of this.#queues) queue.push(...cookies);
  }

  followClosed(): ClosedQueue {
    const queue: bigint[] = [];
    this.#queues.add(queue);
    return { take: () => queue.splice(0), dispose: () => this.#queues.delete(queue) };
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  these(cookies: ReadonlySet<bigint>): Entry[] {
    return Array.from(cookies, (cookie) => this.#entries.get(cookie)).filter((entry) => entry !== undefined);
  }

  /** What a timed sample reads. */
  slice(intervalMs: number): Entry[] {
    const fresh = this.all().filter(({ cookie }) => !this.#known.has(cookie));
    const picked = turn(fresh, this.#cursor, READ_AT_MOST);
    this.#cursor = picked.next;
    const known = [...this.#known.values()];
    const share = Math.max(KNOWN_AT_LEAST, Math.ceil((known.length * intervalMs) / KNOWN_LAP_MS));
    const pickedKnown = turn(known, this.#knownCursor, share);
    this.#knownCursor = pickedKnown.next;
    return [...picked.items, ...pickedKnown.items, ...known.filter(hasJustBeenClosed)];
  }

  clear(): void {
    this.#entries.clear();
    this.#known.clear();
    this.#queues.clear();
  }
}

/** The next `count` items from `from` on, round and round. */
function turn<T>(items: readonly T[], from: number, count: number): { readonly items: readonly T[]; next: number } {
  if (items.length <= count) return { items, next: 0 };
  const start = from % items.length;
  const end = start + count;
  const rest = end > items.length ? items.slice(0, end - items.length) : [];
  return { items: [...items.slice(start, end), ...rest], next: end % items.length };
}

/** Once for each: what stays open although its owner closed it is held by another process, and is no news. */
function hasJustBeenClosed(entry: Entry): boolean {
  if (entry.closeSeen || entry.socket === undefined || isOpen(entry.socket.deref())) return false;
  entry.closeSeen = true;
  return true;
}
