import type { Holder } from '../kernel/holders.js';
import type { LeakReport } from '../leaks/report.js';
import type { Track, Tracked } from '../leaks/tracker.js';
import type { Suspect } from '../sockets/suspect.js';

/** What a leak is counted under, and what else is counted of it: from when it became one. */
export type LeakCounted = Pick<LeakReport, 'kind' | 'cause' | 'side' | 'route'> & {
  readonly remoteAddress: string | undefined;
  readonly localPort: number | undefined;
};

/** All that a guard holds of one socket. */
export class LedgerEntry implements Tracked {
  /** As it was last read. */
  suspect: Suspect;
  track: Track | undefined;
  /** Set when it became a leak. */
  counted: LeakCounted | undefined;
  /** The last report that was told or returned; undefined until the leak has been told. */
  report: LeakReport | undefined;
  /** The process that holds it, when only another one does. */
  holder: Holder | undefined;
  /** A reclaim filter has said no: on the sampler's clock, when it is asked again. */
  reclaimAgainAtMs = 0;

  constructor(suspect: Suspect) {
    this.suspect = suspect;
  }

  get isLeak(): boolean {
    return this.counted !== undefined;
  }

  /** What it is counted under now: a leak may turn from close-wait to reset. Undefined for what is no leak. */
  get countedNow(): LeakCounted | undefined {
    const kind = this.track?.kind;
    if (!this.counted || kind === undefined || kind === 'closing' || kind === this.counted.kind) return this.counted;
    return { ...this.counted, kind };
  }
}

/** The sockets of one guard under their cookies: suspects, leaks, and of these the ones that were told. */
export class Ledger {
  readonly #entries = new Map<bigint, LedgerEntry>();
  #leakCount = 0;
  #toldCount = 0;
  #changed = false;

  get toldCount(): number {
    return this.#toldCount;
  }

  /** Leaks that `maxReported` keeps from being told. */
  get untoldCount(): number {
    return this.#leakCount - this.#toldCount;
  }

  has(cookie: bigint): boolean {
    return this.#entries.has(cookie);
  }

  get(cookie: bigint): LedgerEntry | undefined {
    return this.#entries.get(cookie);
  }

  /** Takes in what a sample read of a socket. */
  record(suspect: Suspect): LedgerEntry {
    let entry = this.#entries.get(suspect.cookie);
    if (entry) {
      if (entry.isLeak && entry.suspect.progress.kind !== suspect.progress.kind) this.#changed = true;
      entry.suspect = suspect;
    } else {
      entry = new LedgerEntry(suspect);
      this.#entries.set(suspect.cookie, entry);
    }
    return entry;
  }

  /** A socket has become a leak. */
  count(entry: LedgerEntry, counted: LeakCounted): void {
    entry.counted = counted;
    this.#leakCount++;
    this.#changed = true;
  }

  /** A leak has been told; now, so that it is not told twice whatever its listeners do. */
  tell(entry: LedgerEntry, report: LeakReport): void {
    entry.report = report;
    this.#toldCount++;
  }

  delete(cookie: bigint): LedgerEntry | undefined {
    const entry = this.#entries.get(cookie);
    if (!entry) return undefined;
    this.#entries.delete(cookie);
    if (entry.isLeak) {
      this.#leakCount--;
      this.#changed = true;
    }
    if (entry.report) this.#toldCount--;
    return entry;
  }

  /** In the order in which they were first seen. */
  entries(): IterableIterator<LedgerEntry> {
    return this.#entries.values();
  }

  /** Whether the open leaks, or what they are counted under, are others than when this was last asked. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }
}
