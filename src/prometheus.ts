import { setImmediate } from 'node:timers';
import {
  Counter,
  Gauge,
  Histogram,
  register as globalRegister,
  type OpenMetricsContentType,
  type Registry,
} from 'prom-client';
import { shared } from './base/shared-state.js';
import { badArgument, badOption, GuardError } from './errors.js';
import { Guard } from './guard.js';
import { DURATION_HISTOGRAM, METRIC_FAMILIES, type Labels, type MetricFamily, type Row } from './metrics/families.js';
import { checkOptionNames } from './options.js';
import type { GuardStats } from './guard/stats.js';

/** Either of prom-client's registry types; its plain `Registry` type refuses an OpenMetrics one. */
export type GuardRegistry = Registry | Registry<OpenMetricsContentType>;

export interface GuardMetricsOptions {
  /** @default prom-client's global registry */
  register?: GuardRegistry | undefined;
  /** Put before every metric name, as in `myapp_`. @default '' */
  prefix?: string | undefined;
  /** Constant labels of this guard. Guards that share a registry and prefix need the same label names. @default none */
  labels?: Record<string, string> | undefined;
}

const OPTION_NAMES = new Set(['register', 'prefix', 'labels']);
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The registry that these options name. */
export function registryOf(options: GuardMetricsOptions = {}): GuardRegistry {
  return options.register ?? globalRegister;
}

/**
 * Exports a guard's metrics. They are read on each scrape, from one sample a scrape; guards that share a registry and
 * prefix are added up. Returns its undo: counters keep what the guard had counted as long as another guard is left.
 * @throws GuardError CWG_ERR_OPTION, CWG_ERR_ARGUMENT; CWG_ERR_METRICS_CONFLICT when the guard is there already, when its
 * label names differ from those of the guards that are, or when a name is taken.
 */
export function collectGuardMetrics(guard: Guard, options: GuardMetricsOptions = {}): () => void {
  if (!(guard instanceof Guard))
    throw badArgument('the guard given to collectGuardMetrics()', guard, 'what createGuard() returns');
  checkOptionNames(options, OPTION_NAMES);
  const { prefix = '', labels = {} } = options;
  const register = registryOf(options);
  if (typeof (register as Partial<Registry> | null)?.registerMetric !== 'function')
    throw badOption('register', register, 'a prom-client registry');
  if (typeof prefix !== 'string' || (prefix !== '' && !METRIC_NAME.test(prefix)))
    throw badOption('prefix', prefix, `'' or the start of a metric name`);
  if (!isObject(labels)) throw badOption('labels', labels, 'an object of label names and values');
  for (const [name, value] of Object.entries(labels)) {
    if (!LABEL_NAME.test(name)) throw badOption(`labels, name`, name, 'letters, digits and _, not first a digit');
    if (typeof value !== 'string') throw badOption(`labels.${name}`, value, 'a string');
    if (METRIC_FAMILIES.some(({ labelNames }) => labelNames.includes(name)))
      throw badOption('labels, name', name, 'a name that no metric of the guard has');
  }
  const exporters = exportersOf(register);
  let exporter = exporters.get(prefix);
  if (!exporter?.isRegistered()) {
    exporter = new Exporter(register, prefix, Object.keys(labels));
    exporters.set(prefix, exporter);
  }
  return exporter.add(guard, labels);
}

const registries = shared('registries', () => new WeakMap<GuardRegistry, Map<string, Exporter>>());

function exportersOf(register: GuardRegistry): Map<string, Exporter> {
  let exporters = registries().get(register);
  if (!exporters) {
    exporters = new Map();
    registries().set(register, exporters);
  }
  return exporters;
}

type Metric = Gauge | Counter;

interface Member {
  readonly labels: Labels;
  readonly unobserve: () => void;
}

/** The metrics of all guards that share a registry and a prefix: prom-client lets a name be registered once. */
class Exporter {
  readonly #register: GuardRegistry;
  readonly #labelNames: readonly string[];
  readonly #metrics = new Map<string, Metric>();
  readonly #members = new Map<Guard, Member>();
  #durations: Histogram | undefined;
  /** Totals of guards that were taken out: a counter must not fall. */
  readonly #retired = new Map<string, Row[]>();
  #snapshot: { readonly stats: GuardStats; readonly labels: Labels }[] | undefined;

  constructor(register: GuardRegistry, prefix: string, labelNames: readonly string[]) {
    this.#register = register;
    this.#labelNames = labelNames;
    try {
      for (const family of METRIC_FAMILIES) this.#metrics.set(family.name, this.#create(family, prefix));
      this.#durations = this.#createDurations(prefix);
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
    const all = this.#all();
    return all.length > 0 && all.every((metric) => this.#holds(metric));
  }

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
    const durations = this.#durations;
    durations?.zero(labels);
    const unobserve = guard.onDuration((seconds) => durations?.observe(labels, seconds));
    this.#members.set(guard, { labels, unobserve });
    return () => {
      this.#remove(guard);
    };
  }

  #remove(guard: Guard): void {
    const member = this.#members.get(guard);
    if (!member) return;
    const { labels, unobserve } = member;
    unobserve();
    this.#members.delete(guard);
    this.#snapshot = undefined;
    if (this.#members.size === 0) {
      this.#unregister();
      return;
    }
    const stats = guard.stats();
    for (const { name, type, rows } of METRIC_FAMILIES) {
      if (type !== 'counter') continue;
      this.#retired.set(name, [
        ...(this.#retired.get(name) ?? []),
        ...rows(stats).map(([own, value]): Row => [{ ...own, ...labels }, value]),
      ]);
    }
  }

  #create(family: MetricFamily, prefix: string): Metric {
    const configuration = {
      name: `${prefix}${family.name}`,
      help: family.help,
      labelNames: [...family.labelNames, ...this.#labelNames],
      registers: [this.#register],
      aggregator: family.combine,
    };
    const fill = (metric: Metric): void => {
      this.#fill(metric, family);
    };
    return family.type === 'gauge'
      ? new Gauge({
          ...configuration,
          collect() {
            fill(this);
          },
        })
      : new Counter({
          ...configuration,
          collect() {
            fill(this);
          },
        });
  }

  #createDurations(prefix: string): Histogram {
    const { name, help, buckets } = DURATION_HISTOGRAM;
    return new Histogram({
      name: `${prefix}${name}`,
      help,
      buckets: [...buckets],
      labelNames: [...this.#labelNames],
      registers: [this.#register],
    });
  }

  #fill(metric: Metric, { name, combine, rows }: MetricFamily): void {
    const combined = new Map<string, { labels: Labels; value: number }>();
    const add = (labels: Labels, value: number): void => {
      const key = JSON.stringify(Object.entries(labels).sort());
      const known = combined.get(key);
      if (!known) combined.set(key, { labels, value });
      else known.value = combine === 'sum' ? known.value + value : Math.max(known.value, value);
    };
    for (const [labels, value] of this.#retired.get(name) ?? []) add(labels, value);
    for (const { stats, labels } of this.#sample()) {
      for (const [own, value] of rows(stats)) add({ ...own, ...labels }, value);
    }
    metric.reset();
    for (const { labels, value } of combined.values()) metric.inc(labels, value);
  }

  /**
   * One look for all metrics of a scrape: prom-client starts every metric's collect() in one turn of the event loop, and
   * what was read in a turn is good for that turn.
   */
  #sample(): readonly { readonly stats: GuardStats; readonly labels: Labels }[] {
    if (this.#snapshot) return this.#snapshot;
    this.#snapshot = Array.from(this.#members, ([guard, { labels }]) => {
      guard.leaks();
      return { stats: guard.stats(), labels };
    });
    setImmediate(() => {
      this.#snapshot = undefined;
    }).unref();
    return this.#snapshot;
  }

  #all(): (Metric | Histogram)[] {
    return [...this.#metrics.values(), ...(this.#durations ? [this.#durations] : [])];
  }

  #holds(metric: Metric | Histogram): boolean {
    return this.#register.getSingleMetric(nameOf(metric)) === (metric as unknown);
  }

  #unregister(): void {
    for (const metric of this.#all()) if (this.#holds(metric)) this.#register.removeSingleMetric(nameOf(metric));
    this.#metrics.clear();
    this.#durations = undefined;
    this.#retired.clear();
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** prom-client's types keep a metric's name to themselves. */
function nameOf(metric: Metric | Histogram): string {
  return (metric as unknown as { readonly name: string }).name;
}
