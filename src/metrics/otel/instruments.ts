import { GuardError } from '../../base/errors.js';
import { shared } from '../../base/shared-state.js';
import { VERSION } from '../../base/version.js';
import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../families.js';
import type { MetricFamily } from '../family.js';
import { GuardCounts } from '../guard-counts.js';
import type { OtelApi, OtelHistogram, OtelMeter, OtelMeterProvider, OtelObservations } from './api.js';
import { attributesOfLabels } from './attributes.js';
import { Series } from './series.js';

/** Name of the instrumentation scope of all that comes from here. */
export const SCOPE = 'close-wait-guard';
/** The conventions whose names are used. */
export const SCHEMA = { schemaUrl: 'https://opentelemetry.io/schemas/1.44.0' } as const;

interface Observed {
  readonly family: MetricFamily;
  readonly instrument: object;
  readonly series: Series;
}

const ofProviders = shared('otel-instruments', () => new WeakMap<OtelMeterProvider, Instruments>());

/** The instruments of all guards that share a meter provider. */
export class Instruments {
  readonly #api: OtelApi;
  readonly #counts = new GuardCounts();
  readonly #observed: readonly Observed[];
  readonly #durations: OtelHistogram;

  static of(api: OtelApi, provider: OtelMeterProvider): Instruments {
    let found = ofProviders().get(provider);
    if (!found) {
      found = new Instruments(api, provider);
      ofProviders().set(provider, found);
    }
    return found;
  }

  private constructor(api: OtelApi, provider: OtelMeterProvider) {
    this.#api = api;
    const meter = provider.getMeter(SCOPE, VERSION, SCHEMA) as OtelMeter;
    this.#observed = METRIC_FAMILIES.map((family) => ({
      family,
      instrument: create(meter, family),
      series: new Series(family),
    }));
    const { help, otel, buckets } = DURATION_HISTOGRAM;
    this.#durations = meter.createHistogram(otel.name, {
      description: help,
      unit: otel.unit,
      advice: { explicitBucketBoundaries: [...buckets] },
    });
    // One for all of them, so that a collection reads the counts once. It stays when the last guard is taken out: an SDK that is
    // told nothing repeats what it was told last.
    meter.addBatchObservableCallback(
      this.#observe,
      this.#observed.map(({ instrument }) => instrument),
    );
  }

  /**
   * Returns a dispose function, after which counters keep what the guard had counted, and the rest falls to 0.
   * @throws GuardError CWG_ERR_METRICS_CONFLICT when it is there already
   */
  add(guard: Guard): () => void {
    if (this.#counts.has(guard)) {
      throw new GuardError(
        'CWG_ERR_METRICS_CONFLICT',
        'close-wait-guard: this guard is observed by this meter provider already',
      );
    }
    const unobserve = internalsOf(guard).onDuration((seconds) => {
      this.#durations.record(seconds, {}, this.#api.ROOT_CONTEXT);
    });
    this.#counts.add(guard, {});
    return () => {
      if (!this.#counts.has(guard)) return;
      unobserve();
      this.#counts.remove(guard);
    };
  }

  readonly #observe = (result: OtelObservations): void => {
    this.#counts.read();
    for (const { family, instrument, series } of this.#observed) {
      for (const [labels, value] of series.rows(this.#counts.rows(family)))
        result.observe(instrument, value, attributesOfLabels(labels, family.otel.attributes));
    }
  };
}

/** What a family is in OpenTelemetry. */
export function instrumentOf({ type, combine, otel }: MetricFamily): 'counter' | 'up-down-counter' | 'gauge' {
  if (type === 'counter') return 'counter';
  return otel.instrument ?? (combine === 'sum' ? 'up-down-counter' : 'gauge');
}

function create(meter: OtelMeter, family: MetricFamily): object {
  const { name, unit } = family.otel;
  const options = { description: family.help, unit };
  switch (instrumentOf(family)) {
    case 'counter':
      return meter.createObservableCounter(name, options);
    case 'up-down-counter':
      return meter.createObservableUpDownCounter(name, options);
    case 'gauge':
      return meter.createObservableGauge(name, options);
  }
}
