import { setImmediate } from 'node:timers';
import { GuardError } from '../base/errors.js';
import type { Guard } from '../guard/guard.js';
import { internalsOf } from '../guard/internals.js';
import { Durations } from './durations.js';
import { DURATION_HISTOGRAM, METRIC_FAMILIES } from './families.js';
import type { MetricFamily } from './family.js';
import { GuardCounts } from './guard-counts.js';
import { plainMetric, type GuardRegistry, type MetricValue, type PlainMetric } from './registry.js';
import { exemplarOf, type Labels } from './rows.js';

/** The metrics of all guards that share a registry and a prefix: a registry takes a name once. */
export class Exporter {
  readonly #register: GuardRegistry;
  readonly #labelNames: readonly string[];
  /** By the name they were registered under, which is the one to remove them by. */
  readonly #metrics = new Map<string, PlainMetric>();
  readonly #counts = new GuardCounts();
  readonly #durations = new Durations(DURATION_HISTOGRAM.buckets);
  /** Whether the counts were read in this turn. */
  #read = false;

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
    if (this.#counts.has(guard)) {
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
    this.#counts.add(guard, labels);
    this.#read = false;
    return () => {
      if (!this.#counts.has(guard)) return;
      unobserve();
      this.#counts.remove(guard);
      this.#read = false;
      if (this.#counts.size === 0) this.#unregister();
    };
  }

  #add(metric: PlainMetric): void {
    this.#register.registerMetric(metric as never);
    this.#metrics.set(metric.name, metric);
  }

  #metricOf(family: MetricFamily, prefix: string): PlainMetric {
    const { name, help, type, combine } = family;
    const about = { name: `${prefix}${name}`, help, type, aggregator: combine };
    const read = (): MetricValue[] =>
      this.#sampled()
        .rows(family)
        .map(([labels, value, exemplar]) => ({
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

  /**
   * One reading of the counts for all metrics of a scrape: a registry asks every metric in one turn of the event loop, and
   * what was read in a turn is good for that turn.
   */
  #sampled(): GuardCounts {
    if (this.#read) return this.#counts;
    this.#counts.read();
    this.#read = true;
    setImmediate(() => {
      this.#read = false;
    }).unref();
    return this.#counts;
  }

  #holds(name: string, metric: PlainMetric): boolean {
    return this.#register.getSingleMetric(name) === metric;
  }

  #unregister(): void {
    for (const [name, metric] of this.#metrics) if (this.#holds(name, metric)) this.#register.removeSingleMetric(name);
    this.#metrics.clear();
    this.#counts.forget();
  }
}
