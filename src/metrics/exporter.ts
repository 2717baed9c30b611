import { setImmediate } from 'node:timers';
import { GuardError } from '../base/errors.js';
import type { Guard } from '../guard/guard.js';
import { internalsOf, type GuardInternals } from '../guard/internals.js';
import type { GuardStats } from '../guard/stats.js';
import { warnFailure } from '../guard/warnings.js';
import { CombinedRows } from './combine.js';
import { Durations } from './durations.js';
import {
  DURATION_HISTOGRAM,
  exemplarOf,
  METRIC_FAMILIES,
  type Labels,
  type MetricFamily,
  type Row,
} from './families.js';
import { plainMetric, type GuardRegistry, type MetricValue, type PlainMetric } from './registry.js';

interface Member {
  readonly labels: Labels;
  readonly unobserve: () => void;
  /** What was read last, for a scrape in which nothing can be read. */
  stats: GuardStats | undefined;
  /** Scrapes in which its counts could not be read, or a metric not be made of them. */
  failures: number;
}

/** The metrics of all guards that share a registry and a prefix: a registry takes a name once. */
export class Exporter {
  readonly #register: GuardRegistry;
  readonly #labelNames: readonly string[];
  /** By the name they were registered under, which is the one to remove them by. */
  readonly #metrics = new Map<string, PlainMetric>();
  readonly #members = new Map<Guard, Member>();
  readonly #durations = new Durations(DURATION_HISTOGRAM.buckets);
  /** Totals of guards that were taken out: a counter must not fall. */
  readonly #retired = new Map<string, CombinedRows>();
  #snapshot: readonly Member[] | undefined;

  /** @throws GuardError CWG_ERR_METRICS_CONFLICT when a name is taken */
  constructor(register: GuardRegistry, prefix: string, labelNames: readonly string[]) {
    this.#register = register;
    this.#labelNames = labelNames;
    try {
      for (const family of METRIC_FAMILIES) this.#add(this.#metricOf(family, prefix));
      this.#add(this.#durationsMetric(prefix));
    } catch (error) {
      this.#unregister();
      throw new GuardError(
        'CWG_ERR_METRICS_CONFLICT',
        `close-wait-guard: its metrics cannot be registered (${error instanceof Error ? error.message : String(error)}); option prefix gives them other names`,
        { cause: error },
      );
    }
  }

  /** False after the application cleared its registry. */
  isRegistered(): boolean {
    return this.#metrics.size > 0 && [...this.#metrics].every(([name, metric]) => this.#holds(name, metric));
  }

  /** Returns a dispose function. */
  add(guard: Guard, labels: Labels): () => void {
    if (this.#members.has(guard)) {
      throw new GuardError(
        'CWG_ERR_METRICS_CONFLICT',
        'close-wait-guard: this guard is collected in this registry already',
      );
    }
    const names = Object.keys(labels);
    if (names.length !== this.#labelNames.length || names.some((name) => !this.#labelNames.includes(name))) {
      throw new GuardError(
        'CWG_ERR_METRICS_CONFLICT',
        `close-wait-guard: labels of this guard are named [${names.join(', ')}], and those of the guards already in this registry [${this.#labelNames.join(', ')}]; they must agree`,
      );
    }
    this.#durations.zero(labels);
    const unobserve = internalsOf(guard).onDuration((seconds, traced) => {
      this.#durations.observe(labels, seconds, exemplarOf(seconds, traced));
    });
    this.#members.set(guard, { labels, unobserve, stats: undefined, failures: 0 });
    this.#snapshot = undefined;
    return () => {
      this.#remove(guard);
    };
  }

  #remove(guard: Guard): void {
    const member = this.#members.get(guard);
    if (!member) return;
    member.unobserve();
    this.#members.delete(guard);
    this.#snapshot = undefined;
    if (this.#members.size === 0) {
      this.#unregister();
      return;
    }
    this.#read(guard, member, false);
    for (const family of METRIC_FAMILIES) {
      if (family.type !== 'counter') continue;
      const retired = this.#retired.get(family.name) ?? new CombinedRows(family.combine);
      this.#retired.set(family.name, retired);
      this.#addRows(retired, family, member);
    }
  }

  #add(metric: PlainMetric): void {
    this.#register.registerMetric(metric as never);
    this.#metrics.set(metric.name, metric);
  }

  #metricOf(family: MetricFamily, prefix: string): PlainMetric {
    const { name, help, type, combine } = family;
    const about = { name: `${prefix}${name}`, help, type, aggregator: combine };
    const read = (): MetricValue[] =>
      this.#rows(family).map(([labels, value, exemplar]) => ({
        labels: { ...labels },
        value,
        ...(exemplar && { exemplar }),
      }));
    // Its values are the guard's, which goes on counting: there is nothing here to be set back.
    return plainMetric(about, read, () => undefined);
  }

  #durationsMetric(prefix: string): PlainMetric {
    const about = {
      name: `${prefix}${DURATION_HISTOGRAM.name}`,
      help: DURATION_HISTOGRAM.help,
      type: 'histogram',
      aggregator: 'sum',
    } as const;
    return plainMetric(
      about,
      () => this.#durations.values(about.name),
      () => {
        this.#durations.reset();
      },
    );
  }

  /** The rows of a metric now, as far as they can be made. */
  #rows(family: MetricFamily): readonly Row[] {
    const rows = new CombinedRows(family.combine);
    for (const row of this.#retired.get(family.name)?.rows() ?? []) rows.add(...row);
    for (const member of this.#sample()) this.#addRows(rows, family, member);
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

  /**
   * One reading of the counts for all metrics of a scrape: a registry asks every metric in one turn of the event loop, and
   * what was read in a turn is good for that turn.
   */
  #sample(): readonly Member[] {
    if (this.#snapshot) return this.#snapshot;
    for (const [guard, member] of this.#members) this.#read(guard, member, true);
    this.#snapshot = [...this.#members.values()];
    setImmediate(() => {
      this.#snapshot = undefined;
    }).unref();
    return this.#snapshot;
  }

  #read(guard: Guard, member: Member, sample: boolean): void {
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

  #holds(name: string, metric: PlainMetric): boolean {
    return this.#register.getSingleMetric(name) === metric;
  }

  #unregister(): void {
    for (const [name, metric] of this.#metrics) if (this.#holds(name, metric)) this.#register.removeSingleMetric(name);
    this.#metrics.clear();
    this.#retired.clear();
  }
}

function withFailures(stats: GuardStats, failures: number): GuardStats {
  return { ...stats, errors: { ...stats.errors, scrape: stats.errors.scrape + failures } };
}
