import { isObject } from '../base/objects.js';

/**
 * A registry of prom-client 15, of `@prometheus-io/client` or of anything with their shape, whichever text format it has.
 * Written down here, so that the types of this library compile where none of them is installed.
 */
export interface GuardRegistry {
  /** Each takes its own class of metric, and in truth anything with `name`, `help`, `type`, `aggregator`, `get` and `reset`. */
  registerMetric(metric: never): void;
  getSingleMetric(name: string): unknown;
  removeSingleMetric(name: string): void;
  metrics(): Promise<string>;
  readonly contentType: string;
}

const METHODS = ['registerMetric', 'getSingleMetric', 'removeSingleMetric', 'metrics'] as const;

/** Never throws. */
export function isRegistry(value: unknown): value is GuardRegistry {
  try {
    return isObject(value) && METHODS.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
  } catch {
    // A getter that throws: no registry that could be used.
    return false;
  }
}

export interface MetricValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Of a histogram's rows, as in `…_bucket`. */
  readonly metricName?: string;
  /** Shown by a registry in OpenMetrics format; both clients' aggregations drop it. */
  readonly exemplar?: Exemplar;
}

/** https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars */
export interface Exemplar {
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** What a metric's `get()` returns in both clients: plain data, so that it goes through JSON and structured clone. */
export interface MetricObject {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly aggregator: 'sum' | 'max' | 'min';
  readonly values: MetricValue[];
}

/** What goes into a registry in place of a client's own Gauge, Counter or Histogram. */
export interface PlainMetric {
  /** A registry in OpenMetrics format writes the name without its `_total` here, and wants it so in what `get` returns. */
  name: string;
  readonly help: string;
  readonly type: MetricObject['type'];
  readonly aggregator: MetricObject['aggregator'];
  /** Never rejects: one metric that does fails the application's whole page. */
  get(): Promise<MetricObject>;
  /** Called by `resetMetrics()`. */
  reset(): void;
  /** What `get` resolves to, at once. */
  now(): MetricObject;
}

/**
 * @param read its values now, without those of before; new objects each time, since a registry writes its default labels
 * into them
 */
export function plainMetric(
  about: Pick<PlainMetric, 'name' | 'help' | 'type' | 'aggregator'>,
  read: () => MetricValue[],
  reset: () => void,
): PlainMetric {
  const { help, type, aggregator } = about;
  return {
    ...about,
    // Runs in the caller's turn: every metric of a scrape is read in one turn, and so from one sample.
    get() {
      return Promise.resolve(this.now());
    },
    now() {
      return { name: this.name, help, type, values: read(), aggregator };
    },
    reset,
  };
}
