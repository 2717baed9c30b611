/**
 * As much of OpenTelemetry's API as is called here. Written down, so that the types of this library compile where none of its
 * packages is installed, and fit every version of them.
 */
export interface OtelMeterProvider {
  /** Returns a Meter. */
  getMeter(name: string, version?: string, options?: { schemaUrl?: string }): object;
}

export interface OtelLoggerProvider {
  /** Returns a Logger. */
  getLogger(name: string, version?: string, options?: { schemaUrl?: string }): object;
}

export type OtelAttributes = Record<string, string | number | boolean>;

export interface OtelMeter {
  createObservableCounter(name: string, options: OtelInstrumentOptions): object;
  createObservableUpDownCounter(name: string, options: OtelInstrumentOptions): object;
  createObservableGauge(name: string, options: OtelInstrumentOptions): object;
  createHistogram(name: string, options: OtelInstrumentOptions): OtelHistogram;
  addBatchObservableCallback(callback: (result: OtelObservations) => void, instruments: object[]): void;
}

export interface OtelInstrumentOptions {
  readonly description: string;
  /** In UCUM. */
  readonly unit: string;
  readonly advice?: { readonly explicitBucketBoundaries: number[] };
}

export interface OtelHistogram {
  record(value: number, attributes: OtelAttributes, context: OtelContext): void;
}

export interface OtelObservations {
  observe(instrument: object, value: number, attributes: OtelAttributes): void;
}

export interface OtelLogger {
  emit(record: OtelLogRecord): void;
  /** Not in every version. */
  enabled?(): boolean;
}

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/ */
export interface OtelLogRecord {
  readonly eventName: string;
  readonly timestamp: Date;
  readonly severityNumber: number;
  readonly body: string;
  readonly attributes: OtelAttributes;
  readonly context: OtelContext;
}

/** Made and read by the API alone. */
export interface OtelContext {
  getValue(key: symbol): unknown;
}

export interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean;
}

/** What `@opentelemetry/api` exports. */
export interface OtelApi {
  readonly ROOT_CONTEXT: OtelContext;
  readonly context: {
    active(): OtelContext;
    with(context: OtelContext, run: () => void): void;
  };
  readonly trace: {
    getSpanContext(context: OtelContext): OtelSpanContext | undefined;
    setSpanContext(context: OtelContext, spanContext: OtelSpanContext): OtelContext;
  };
  readonly metrics: { getMeterProvider(): OtelMeterProvider };
  isSpanContextValid(spanContext: OtelSpanContext): boolean;
  /** What a Meter is while no provider is registered. */
  createNoopMeter(): object;
  /** Since 1.10; before that it is in `@opentelemetry/api-logs`. */
  readonly logs?: OtelLogs;
}

export interface OtelLogs {
  getLoggerProvider(): OtelLoggerProvider;
}
