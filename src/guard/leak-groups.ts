import { monotonicMs } from '../base/clock.js';
import type { LeakReport } from '../leaks/report.js';
import type { Descriptions } from './descriptions.js';
import type { Ledger, LedgerEntry } from './ledger.js';

/** Open leaks of one fingerprint that were told. */
export interface LeakGroup {
  readonly fingerprint: string;
  readonly count: number;
  readonly oldest: LeakReport;
  /** The oldest and some more, in the order in which they were told. */
  readonly some: readonly LeakReport[];
}

export interface LeakGroups {
  /** The oldest first. */
  readonly groups: readonly LeakGroup[];
  /** Also of those beyond `most`. */
  readonly groupCount: number;
  /** Leaks in `groups`. */
  readonly shownCount: number;
}

/** Of a group. They were told in the order of their age, but where a route has a time-out of its own. */
const SOME = 5;
/** How long one call may describe leaks anew, ms. The others are told as they were last described. */
const DESCRIBE_MS = 4;
/** So many are described whatever it takes, so that all have their turn on a machine that is busy with other things, too. */
const DESCRIBE_AT_LEAST = 20;
/** How old a sentence like "the client left 61 s ago" may be, ms. */
const GOOD_FOR_MS = 5_000;

interface Gathered {
  readonly fingerprint: string;
  readonly count: number;
  readonly oldest: LedgerEntry;
  readonly some: readonly LedgerEntry[];
}

/**
 * The open leaks as a person reads them: equal ones together, the oldest first. It visits {@link SOME} leaks of each fingerprint and
 * describes few of them, in steps, so that 10,000 leaks do not hold the event loop; all groups are described anew within some calls,
 * the first ones first.
 */
export class LeakGrouper {
  readonly #ledger: Ledger;
  readonly #descriptions: Descriptions;

  constructor(ledger: Ledger, descriptions: Descriptions) {
    this.#ledger = ledger;
    this.#descriptions = descriptions;
  }

  /**
   * In steps; what it returns is as of the last one.
   * @param most how many groups are returned
   */
  *read(most: number): Generator<void, LeakGroups> {
    yield* this.#describeSome(this.#gatherAll().slice(0, most));
    const all = this.#gatherAll();
    const shown = all.slice(0, most);
    const groups = shown.flatMap(({ fingerprint, count, oldest, some }) => {
      const report = this.#descriptions.kept(oldest);
      const reports = some.flatMap((entry) => (entry === oldest ? report : this.#descriptions.kept(entry)) ?? []);
      return report ? [{ fingerprint, count, oldest: report, some: reports }] : [];
    });
    return {
      groups,
      groupCount: all.length,
      shownCount: groups.reduce((sum, { count }) => sum + count, 0),
    };
  }

  #gatherAll(): Gathered[] {
    const all = Array.from(this.#ledger.equalLeaks(), ([fingerprint, entries]) => gather(fingerprint, entries));
    return all.sort((a, b) => halfClosedAtMs(a.oldest) - halfClosedAtMs(b.oldest));
  }

  /** Those first that a person sees first, as far as their sentences are old. */
  *#describeSome(groups: readonly Gathered[]): Generator<void, void> {
    const until = monotonicMs() + DESCRIBE_MS;
    let done = 0;
    for (const { oldest } of groups) {
      yield;
      if (done >= DESCRIBE_AT_LEAST && monotonicMs() > until) return;
      // Closed while this waited for its turn.
      if (this.#ledger.get(oldest.suspect.cookie) !== oldest) continue;
      const toldAtAgeMs = oldest.report?.ageMs ?? 0;
      if ((this.#descriptions.kept(oldest)?.ageMs ?? 0) - toldAtAgeMs < GOOD_FOR_MS) continue;
      oldest.report = this.#descriptions.describe(oldest) ?? oldest.report;
      done++;
    }
    yield;
  }
}

function gather(fingerprint: string, entries: ReadonlySet<LedgerEntry>): Gathered {
  const some: LedgerEntry[] = [];
  for (const entry of entries) {
    if (some.length === SOME) break;
    some.push(entry);
  }
  const oldest = some.reduce((older, entry) => (halfClosedAtMs(entry) < halfClosedAtMs(older) ? entry : older));
  return { fingerprint, count: entries.size, oldest, some };
}

function halfClosedAtMs({ track }: LedgerEntry): number {
  return track?.halfClosedAtMs ?? Number.POSITIVE_INFINITY;
}
