import type { Holder } from '../kernel/holders.js';
import type { TracedAt } from '../layers/request-ids.js';
import type { LeakReport } from '../leaks/report.js';
import type { Track, Tracked } from '../leaks/tracker.js';
import type { Suspect } from '../sockets/suspect.js';
import { LedgerTotals, type Share } from './ledger-totals.js';
import { OpenLeaks, type OpenLeakCount, type OpenPlace } from './open-leaks.js';

/** What a leak is counted under, and what else is counted of it: from when it became one. */
export type LeakCounted = Pick<LeakReport, 'kind' | 'cause' | 'side' | 'route' | 'method' | 'server'> & {
  /** Outbound: that it goes to. */
  readonly host: string | undefined;
  /** Of its request, when the leak was found. */
  readonly traced?: TracedAt | undefined;
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
  /** Its fingerprint in that report; undefined likewise. */
  fingerprint: string | undefined;
  /** A leak that a rule of `ignore` fits: it is neither counted nor told. */
  ignored = false;
  /** What it adds to the ledger's totals. */
  share: Share | undefined;
  /** Where it counts among the open leaks. */
  openPlace: OpenPlace | undefined;
  /** The process that holds it, when only another one does. */
  holder: Holder | undefined;
  /** A reclaim filter has said no: on the sampler's clock, when it is asked again. */
  reclaimAgainAtMs = 0;

  constructor(suspect: Suspect) {
    this.suspect = suspect;
  }

  get isLeak(): boolean {
    return this.counted !== undefined || this.ignored;
  }

  /** What it is counted under now: a leak may turn from close-wait to reset. Undefined for what is no leak. */
  get countedNow(): LeakCounted | undefined {
    const kind = this.track?.kind;
    if (!this.counted || kind === undefined || kind === 'closing' || kind === this.counted.kind) return this.counted;
    return { ...this.counted, kind };
  }
}

/** What {@link LedgerTotals.read} is told, behind the entries. */
type TotalsArguments = Parameters<LedgerTotals['read']> extends [unknown, ...infer Rest] ? Rest : never;

/** The sockets of one guard under their cookies: suspects, leaks, and of these the ones that were told. */
export class Ledger {
  readonly #entries = new Map<bigint, LedgerEntry>();
  readonly #totals = new LedgerTotals();
  readonly #open = new OpenLeaks();
  #leakCount = 0;
  #toldCount = 0;
  #ignoredCount = 0;
  /** Leaks that were told and are open, by fingerprint, in the order in which they were told. */
  readonly #equal = new Map<string, Set<LedgerEntry>>();
  #changed = false;

  get toldCount(): number {
    return this.#toldCount;
  }

  /** Open leaks, told or not. */
  get leakCount(): number {
    return this.#leakCount;
  }

  /** Leaks that `maxReported` keeps from being told. */
  get untoldCount(): number {
    return this.#leakCount - this.#toldCount;
  }

  /** Leaks that a rule of `ignore` fits. */
  get ignoredCount(): number {
    return this.#ignoredCount;
  }

  /** Leaks of this fingerprint that were told and are open. */
  equalCount(fingerprint: string): number {
    return this.#equal.get(fingerprint)?.size ?? 0;
  }

  /** Leaks that were told and are open, equal ones together, in the order in which they were told. Visits none of them. */
  equalLeaks(): IterableIterator<[fingerprint: string, entries: ReadonlySet<LedgerEntry>]> {
    return this.#equal.entries();
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Each is a leak that was told: nothing can become due. */
  get isSettled(): boolean {
    return this.#entries.size === this.#toldCount;
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

  /** A socket was read and observed: the totals say now what it is. */
  total(entry: LedgerEntry): void {
    entry.share = this.#totals.replace(entry.share, entry);
    entry.openPlace = this.#open.move(entry.openPlace, entry.countedNow);
  }

  /** All sockets in numbers, as they were last read. Changes nothing that can be seen. */
  totals(...how: TotalsArguments): ReturnType<LedgerTotals['read']> {
    return this.#totals.read(this.#entries.values(), ...how);
  }

  /** The open leaks by their labels; see {@link OpenLeaks.list}. */
  openLeaks(routeOf: (route: string) => string): OpenLeakCount[] {
    return this.#open.list(routeOf);
  }

  /** A socket has become a leak. */
  count(entry: LedgerEntry, counted: LeakCounted): void {
    entry.counted = counted;
    this.total(entry);
    this.#leakCount++;
    this.#changed = true;
  }

  ignore(entry: LedgerEntry): void {
    entry.ignored = true;
    this.total(entry);
    this.#ignoredCount++;
  }

  /** Rules have ended: those that they fitted are judged anew. */
  judgeIgnoredAnew(): void {
    for (const entry of this.#entries.values()) {
      if (!entry.ignored) continue;
      entry.ignored = false;
      this.total(entry);
    }
    this.#ignoredCount = 0;
  }

  /** A leak is told; now, so that it is not told twice whatever its listeners do. Returns its report, with it in the count. */
  tell(entry: LedgerEntry, report: LeakReport): LeakReport {
    const { fingerprint } = report;
    let equal = this.#equal.get(fingerprint);
    if (!equal) this.#equal.set(fingerprint, (equal = new Set()));
    equal.add(entry);
    this.#toldCount++;
    entry.fingerprint = fingerprint;
    entry.report = { ...report, count: equal.size };
    return entry.report;
  }

  delete(cookie: bigint): LedgerEntry | undefined {
    const entry = this.#entries.get(cookie);
    if (!entry) return undefined;
    this.#entries.delete(cookie);
    entry.share = this.#totals.replace(entry.share, undefined);
    entry.openPlace = this.#open.move(entry.openPlace, undefined);
    if (entry.ignored) this.#ignoredCount--;
    if (entry.counted) {
      this.#leakCount--;
      this.#changed = true;
    }
    if (entry.report) this.#toldCount--;
    this.#equalIsOneLess(entry);
    return entry;
  }

  #equalIsOneLess(entry: LedgerEntry): void {
    const { fingerprint } = entry;
    if (fingerprint === undefined) return;
    const equal = this.#equal.get(fingerprint);
    equal?.delete(entry);
    if (equal?.size === 0) this.#equal.delete(fingerprint);
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
