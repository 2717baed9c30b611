import type { Labels } from './rows.js';
import type { Exemplar, MetricValue } from './registry.js';

interface Series {
  readonly labels: Labels;
  readonly counts: number[];
  /** The last one of each bucket, the last bucket being that without a bound. */
  readonly exemplars: (Exemplar | undefined)[];
  sum: number;
  count: number;
}

/** A histogram by labels: what a registry shows of it is rows, as for any other metric. */
export class Durations {
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  observe(labels: Labels, seconds: number, exemplar?: Exemplar): void {
    const series = this.zero(labels);
    series.sum += seconds;
    series.count++;
    const bucket = this.#bounds.findIndex((bound) => seconds <= bound);
    if (bucket !== -1) series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    if (exemplar) series.exemplars[bucket === -1 ? this.#bounds.length : bucket] = exemplar;
  }

  /** Shows zeros for these labels until something is observed. */
  zero(labels: Labels): Series {
    const key = JSON.stringify(Object.entries(labels).sort());
    let series = this.#series.get(key);
    if (!series) {
      series = { labels, counts: this.#bounds.map(() => 0), exemplars: [], sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    return series;
  }

  reset(): void {
    for (const series of this.#series.values()) {
      series.counts.fill(0);
      series.exemplars.length = 0;
      series.sum = 0;
      series.count = 0;
    }
  }

  /** In the order and the shape of the clients' own histograms. */
  values(name: string): MetricValue[] {
    return Array.from(this.#series.values()).flatMap(({ labels, counts, exemplars, sum, count }) => {
      let below = 0;
      const exemplarAt = (i: number): { exemplar?: Exemplar } => (exemplars[i] ? { exemplar: exemplars[i] } : {});
      const buckets = this.#bounds.map((le, i): MetricValue => {
        below += counts[i] ?? 0;
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below, ...exemplarAt(i) };
      });
      return [
        ...buckets,
        { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count, ...exemplarAt(counts.length) },
        { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
        { metricName: `${name}_count`, labels: { ...labels }, value: count },
      ];
    });
  }
}
