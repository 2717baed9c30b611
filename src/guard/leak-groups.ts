import { monotonicMs } from '../base/clock.js';
import type { LeakReport } from '../leaks/report.js';
import type { Descriptions } from './descriptions.js';
import type { Ledger, LedgerEntry } from './ledger.js';

/** Open leaks of one fingerprint that were told. */
export interface LeakGroup {
  readonly fingerprint: string;
  readonly count: number;
  readonly oldest: LeakReport;
  /** The oldest and some more, in the order in which they were found. */
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

/** Of a group, beside its oldest. */
const SOME = 5;
/** What one call may spend on describing leaks anew, ms. The others are told as they were last described. */
const DESCRIBE_MS = 6;

interface Gathered {
  readonly fingerprint: string;
  count: number;
  oldest: LedgerEntry;
  readonly some: LedgerEntry[];
}

/**
 * The open leaks as a person reads them: equal ones together, the oldest first. It visits each leak and describes few of them, so
 * that 10,000 leaks do not hold the event loop; all groups are described anew within some calls.
 */
export class LeakGrouper {
  readonly #ledger: Ledger;
  readonly #descriptions: Descriptions;
  /** The group that is described next. */
  #next = 0;

  constructor(ledger: Ledger, descriptions: Descriptions) {
    this.#ledger = ledger;
    this.#descriptions = descriptions;
  }

  /** @param most how many groups are returned */
  read(most: number): LeakGroups {
    const all = this.#gather();
    all.sort((a, b) => halfClosedAtMs(a.oldest) - halfClosedAtMs(b.oldest));
    const shown = all.slice(0, most);
    this.#describeSome(shown);
    const groups = shown.flatMap(({ fingerprint, count, oldest, some }) => {
      const report = this.#descriptions.kept(oldest);
      const others = some.filter((entry) => entry !== oldest).slice(0, SOME - 1);
      const reports = [oldest, ...others].flatMap((entry) => this.#descriptions.kept(entry) ?? []);
      return report ? [{ fingerprint, count, oldest: report, some: reports }] : [];
    });
    return {
      groups,
      groupCount: all.length,
      shownCount: groups.reduce((sum, { count }) => sum + count, 0),
    };
  }

  #gather(): Gathered[] {
    const groups = new Map<string, Gathered>();
    for (const entry of this.#ledger.entries()) {
      const { fingerprint } = entry;
      if (fingerprint === undefined) continue;
      const group = groups.get(fingerprint);
      if (!group) {
        groups.set(fingerprint, { fingerprint, count: 1, oldest: entry, some: [entry] });
        continue;
      }
      group.count++;
      if (group.some.length < SOME) group.some.push(entry);
      if (halfClosedAtMs(entry) < halfClosedAtMs(group.oldest)) group.oldest = entry;
    }
    return [...groups.values()];
  }

  #describeSome(groups: readonly Gathered[]): void {
    const until = monotonicMs() + DESCRIBE_MS;
    for (let done = 0; done < groups.length && monotonicMs() < until; done++) {
      this.#next = (this.#next + 1) % groups.length;
      const { oldest } = groups[this.#next]!;
      oldest.report = this.#descriptions.describe(oldest) ?? oldest.report;
    }
  }
}

function halfClosedAtMs({ track }: LedgerEntry): number {
  return track?.halfClosedAtMs ?? Number.POSITIVE_INFINITY;
}
