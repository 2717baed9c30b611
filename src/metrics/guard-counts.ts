import type { Guard } from '../guard/guard.js';
import { internalsOf, type GuardInternals } from '../guard/internals.js';
import type { GuardStats } from '../guard/stats.js';
import { warnFailure } from '../guard/warnings.js';
import { CombinedRows } from './combine.js';
import { METRIC_FAMILIES } from './families.js';
import type { MetricFamily } from './family.js';
import type { Labels, Row } from './rows.js';

interface Member {
  readonly labels: Labels;
  /** What was read last, for a scrape in which nothing can be read. */
  stats: GuardStats | undefined;
  /** Scrapes in which its counts could not be read, or a metric not be made of them. */
  failures: number;
}

/** What several guards count, as one. */
export class GuardCounts {
  readonly #members = new Map<Guard, Member>();
  /** Totals of guards that were taken out: a counter must not fall. */
  readonly #retired = new Map<string, CombinedRows>();

  get size(): number {
    return this.#members.size;
  }

  has(guard: Guard): boolean {
    return this.#members.has(guard);
  }

  /** @param labels constant ones, of this guard */
  add(guard: Guard, labels: Labels): void {
    this.#members.set(guard, { labels, stats: undefined, failures: 0 });
  }

  /** What it has counted stays in the counters. */
  remove(guard: Guard): void {
    const member = this.#members.get(guard);
    if (!member) return;
    this.#members.delete(guard);
    this.#readMember(guard, member, false);
    for (const family of METRIC_FAMILIES) {
      if (family.type !== 'counter') continue;
      const retired = this.#retired.get(family.name) ?? new CombinedRows(family.combine);
      this.#retired.set(family.name, retired);
      this.#addRows(retired, family, member);
    }
  }

  /** Forgets what was counted by those that were taken out. */
  forget(): void {
    this.#retired.clear();
  }

  /** Reads the counts of all guards, each once. Never throws: what cannot be read stays as it was, and that is counted. */
  read(): void {
    for (const [guard, member] of this.#members) this.#readMember(guard, member, true);
  }

  /** The rows of a metric as of the last reading, as far as they can be made. */
  rows(family: MetricFamily): readonly Row[] {
    const rows = new CombinedRows(family.combine);
    for (const row of this.#retired.get(family.name)?.rows() ?? []) rows.add(...row);
    for (const member of this.#members.values()) this.#addRows(rows, family, member);
    return rows.rows();
  }

  #addRows(all: CombinedRows, { rows }: MetricFamily, member: Member): void {
    const { stats, failures, labels } = member;
    if (!stats) return;
    try {
      for (const [own, value, exemplar] of rows(failures === 0 ? stats : withFailures(stats, failures))) {
        all.add({ ...own, ...labels }, value, exemplar);
      }
    } catch (error) {
      // A guard of another version may count something else.
      this.#failed(member, error);
    }
  }

  #readMember(guard: Guard, member: Member, sample: boolean): void {
    try {
      const internals: Partial<GuardInternals> = internalsOf(guard);
      // Another version's guard may not have it.
      if (sample) internals.sampleOnDemand?.();
      member.stats = guard.stats();
    } catch (error) {
      this.#failed(member, error);
    }
  }

  #failed(member: Member, error: unknown): void {
    member.failures++;
    warnFailure('scrape', error);
  }
}

function withFailures(stats: GuardStats, failures: number): GuardStats {
  return { ...stats, errors: { ...stats.errors, scrape: stats.errors.scrape + failures } };
}
