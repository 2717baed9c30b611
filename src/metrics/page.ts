import { COMBINE } from './combine.js';
import type { GuardRegistry, MetricObject, MetricValue, PlainMetric } from './registry.js';

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** As much of a registry as a page of the guard's own metrics needs, where no client is installed. */
export class PageRegistry implements GuardRegistry {
  readonly contentType = CONTENT_TYPE;
  readonly #metrics = new Map<string, PlainMetric>();

  registerMetric(metric: PlainMetric): void {
    this.#metrics.set(metric.name, metric);
  }

  getSingleMetric(name: string): PlainMetric | undefined {
    return this.#metrics.get(name);
  }

  removeSingleMetric(name: string): void {
    this.#metrics.delete(name);
  }

  objects(): MetricObject[] {
    return Array.from(this.#metrics.values(), (metric) => metric.now());
  }

  metrics(): Promise<string> {
    return Promise.resolve(pageOf(this.objects()));
  }
}

export function pageOf(metrics: readonly MetricObject[]): string {
  return metrics
    .map(({ name, help, type, values }) => {
      const rows = values.map(({ metricName = name, labels, value }) => `${metricName}${labelsOf(labels)} ${value}`);
      return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...rows, ''].join('\n');
    })
    .join('\n');
}

function labelsOf(labels: MetricValue['labels']): string {
  const parts = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(String(value)).replace(/"/g, '\\"')}"`,
  );
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

/** What several processes count, as one: each metric by its own aggregator, in the order in which they first come. */
export function sumUp(lists: readonly (readonly MetricObject[])[]): MetricObject[] {
  const metrics = new Map<string, { readonly first: MetricObject; readonly rows: Map<string, MetricValue> }>();
  for (const metric of lists.flat()) {
    const known = metrics.get(metric.name) ?? { first: metric, rows: new Map<string, MetricValue>() };
    metrics.set(metric.name, known);
    for (const row of metric.values) {
      const key = `${row.metricName ?? ''} ${JSON.stringify(Object.entries(row.labels).sort())}`;
      const other = known.rows.get(key);
      const value = other ? COMBINE[known.first.aggregator](other.value, row.value) : row.value;
      known.rows.set(key, { ...row, value });
    }
  }
  return Array.from(metrics.values(), ({ first, rows }) => ({ ...first, values: [...rows.values()] }));
}

/** What stays when a process is gone: a counter must not fall. */
export function totalsOf(metrics: readonly MetricObject[]): MetricObject[] {
  return metrics.filter(({ type }) => type !== 'gauge');
}
