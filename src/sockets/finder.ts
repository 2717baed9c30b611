import type { Faults } from '../kernel/faults.js';
import type { NativeBinding } from '../kernel/native.js';
import { closedWindows } from '../kernel/netstat.js';
import type { HalfClosedSockets } from './half-closed-sockets.js';
import { Searches, type SearchNow, type SearchPlan } from './searches.js';
import type { SuspectReader } from './suspect-reader.js';
import type { UnannouncedSockets } from './unannounced.js';
import type { WatchedSockets } from './watched-sockets.js';

/** Of a sample that is not told a guard's. */
const DEFAULT_TIME_OUT_MS = 60_000;

const EVERYTHING: SearchPlan = { sweep: Number.POSITIVE_INFINITY, walk: true };

/** Where the finder looks, and where it puts what it finds. */
interface Places {
  readonly binding: NativeBinding;
  readonly watched: WatchedSockets;
  readonly unannounced: UnannouncedSockets;
  readonly halfClosed: HalfClosedSockets;
  readonly reader: SuspectReader;
  readonly faults: Pick<Faults<'fd_walk'>, 'note'>;
  readonly isKnown: (cookie: bigint) => boolean;
}

/** How a sample looks. */
export interface FindOptions {
  /** Put even the youngest announced sockets on the watch. */
  readonly young?: boolean;
  /** Visit every watched socket and every fd, not the next few: for tests and on-demand guards. */
  readonly wholeFdTable?: boolean;
  /** Announced sockets are put on the watch once they are this old. */
  readonly minAgeMs?: number;
  /** How long a socket may make no progress, ms: each search for what raises no event is over in that time. */
  readonly timeOutMs?: number;
}

/** Finds the sockets of this thread that have become half-closed, reset or stalled: by the watch's events, and by searches for the rest. */
export class Finder {
  readonly #places: Places;
  readonly #searches: Searches;

  constructor(places: Places, nowMs: number) {
    this.#places = places;
    const { binding } = places;
    this.#searches = new Searches(
      { openFds: () => binding.openFds(), closedWindows: () => closedWindows(binding) },
      nowMs,
    );
  }

  find(nowMs: number, options: FindOptions): void {
    const { watched } = this.#places;
    const { young = false, wholeFdTable = false, minAgeMs = 0, timeOutMs = DEFAULT_TIME_OUT_MS } = options;
    watched.register(nowMs, young ? 0 : minAgeMs);
    this.#takeHalfCloses(nowMs);
    const { count: watchedCount, hasUnwatched } = watched;
    this.#search({ nowMs, timeOutMs, watchedCount, hasUnwatched, onDemand: young }, wholeFdTable);
  }

  /**
   * Until when {@link find} finds nothing that {@link standsStill} does not: what is half-closed are known leaks, no socket is unwatched, and
   * no search is due.
   */
  quietUntilMs({ wholeFdTable, timeOutMs = DEFAULT_TIME_OUT_MS }: FindOptions): number {
    const { halfClosed, watched } = this.#places;
    if (wholeFdTable || !halfClosed.mayRest || !watched.allAreWatched) return Number.NEGATIVE_INFINITY;
    return this.#searches.quietUntilMs(timeOutMs, watched.count);
  }

  /** Puts the announced sockets on the watch, and says whether no peer has left and no known leak was closed. */
  standsStill(nowMs: number, minAgeMs: number): boolean {
    const { halfClosed, watched } = this.#places;
    if (!halfClosed.mayRest || halfClosed.hasNewlyClosed()) return false;
    return watched.allAreWatched && watched.standStill(nowMs, minAgeMs);
  }

  #takeHalfCloses(nowMs: number): void {
    const { watched, halfClosed } = this.#places;
    for (const socket of watched.drain(nowMs)) halfClosed.add(socket);
  }

  #search(now: SearchNow, wholeFdTable: boolean): void {
    const { sweep, walk } = wholeFdTable ? EVERYTHING : this.#searches.plan(now);
    if (sweep > 0) this.#findStalled(sweep);
    // What is deleted may have lost its JS socket and still be open: then its fd is a stranger's.
    if (this.#places.watched.forget() > 0) this.#searches.oweWalk();
    if (walk) this.#findUnannounced(now.nowMs, wholeFdTable);
  }

  #findStalled(count: number): void {
    const { watched, halfClosed, reader } = this.#places;
    const quiet = watched.sweep(count).filter(({ cookie }) => !halfClosed.has(cookie));
    if (quiet.length === 0) return;
    for (const socket of reader.findSuspects(quiet)) halfClosed.add(socket);
  }

  #findUnannounced(nowMs: number, wholeFdTable: boolean): void {
    const { watched, halfClosed, unannounced, faults, isKnown } = this.#places;
    try {
      const found = unannounced.find(wholeFdTable, watched, isKnown);
      if (found.isLap) this.#searches.walked(nowMs);
      // Of those that no event tells of, each lap may find another half-closed.
      if (found.mayTurn) this.#searches.oweWalk();
      if (found.owned.length > 0) {
        watched.add(found.owned);
        this.#takeHalfCloses(nowMs);
      }
      for (const socket of found.unowned) halfClosed.add(socket);
    } catch (error) {
      faults.note('fd_walk', error);
    }
  }
}
