// OpenTelemetry's SDK as an application sets it up, with exporters that keep what they are given. Its packages are those of the main script.
import { createRequire } from 'node:module';

const require = createRequire(process.argv[1]);

export const api = require('@opentelemetry/api');

/**
 * @param {{ http?: boolean, fastify?: boolean }} instrumentations which of them are registered
 * @returns what the exporters have, as plain data
 */
export function startSdk({ http = false, fastify = false } = {}) {
  const metrics = require('@opentelemetry/sdk-metrics');
  const logs = require('@opentelemetry/sdk-logs');
  const trace = require('@opentelemetry/sdk-trace');
  const { PrometheusExporter } = require('@opentelemetry/exporter-prometheus');
  const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
  const { W3CTraceContextPropagator } = require('@opentelemetry/core');
  const { registerInstrumentations } = require('@opentelemetry/instrumentation');

  const inMemory = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE);
  const deltas = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.DELTA);
  const reader = (exporter) =>
    new metrics.PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis: 3_600_000,
      exportTimeoutMillis: 5_000,
    });
  const readers = [reader(inMemory), reader(deltas)];
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new metrics.MeterProvider({ readers: [...readers, prometheus] });
  const events = new logs.InMemoryLogRecordExporter();
  const loggerProvider = new logs.LoggerProvider({
    processors: [new logs.SimpleLogRecordProcessor({ exporter: events })],
  });
  const spans = new trace.InMemorySpanExporter();
  const tracerProvider = new trace.TracerProvider({
    spanProcessors: [new trace.SimpleSpanProcessor({ exporter: spans })],
  });

  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  api.trace.setGlobalTracerProvider(tracerProvider);
  api.metrics.setGlobalMeterProvider(meterProvider);
  // Since API 1.10 loggers are a part of it.
  (api.logs ?? require('@opentelemetry/api-logs').logs).setGlobalLoggerProvider(loggerProvider);
  const instrumentations = [];
  if (http) instrumentations.push(new (require('@opentelemetry/instrumentation-http').HttpInstrumentation)());
  if (fastify)
    instrumentations.push(
      new (require('@fastify/otel').FastifyOtelInstrumentation)({ registerOnInitialization: true }),
    );
  registerInstrumentations({ tracerProvider, meterProvider, instrumentations });

  return {
    meterProvider,
    loggerProvider,
    /** Loads a package after its instrumentation. */
    require,
    /** The metrics of this library, as of now. */
    async metrics() {
      await readers[0].forceFlush();
      // Nothing is exported before there is an instrument.
      const { scopeMetrics = [] } = inMemory.getMetrics().at(-1) ?? {};
      const scopes = scopeMetrics.filter(({ scope }) => scope.name === 'close-wait-guard');
      return scopes.flatMap(({ scope, metrics }) => metrics.map((metric) => ({ scope, ...plainMetric(metric) })));
    },
    async deltas() {
      deltas.reset();
      await readers[1].forceFlush();
      const { scopeMetrics } = deltas.getMetrics().at(-1);
      return scopeMetrics
        .filter(({ scope }) => scope.name === 'close-wait-guard')
        .flatMap(({ metrics }) => metrics.map(plainMetric));
    },
    /** The page of the Prometheus exporter. */
    async page() {
      const { status, headers, body } = await scrape(prometheus);
      if (status !== 200) throw new Error(`the exporter answers ${status}: ${JSON.stringify(headers)} ${body}`);
      return body;
    },
    events: () => events.getFinishedLogRecords().map(plainEvent),
    spans: () =>
      spans.getFinishedSpans().map((span) => ({
        name: span.name,
        kind: span.kind,
        parent: span.parentSpanContext?.spanId,
        ...idsOf(span.spanContext()),
      })),
    shutdown: () => Promise.all([meterProvider.shutdown(), loggerProvider.shutdown(), tracerProvider.shutdown()]),
  };
}

/** As many bytes of a span's context as a report and a log record have of it. */
export function idsOf({ traceId, spanId, traceFlags }) {
  return { traceId, spanId, traceFlags };
}

function plainMetric({ descriptor, dataPointType, isMonotonic, aggregationTemporality, dataPoints }) {
  const { name, description, unit } = descriptor;
  const points = dataPoints.map(({ attributes, value }) => ({ attributes, value }));
  return { name, description, unit, dataPointType, isMonotonic, aggregationTemporality, points };
}

function plainEvent(record) {
  const { eventName, severityNumber, severityText, body, attributes, hrTime, spanContext, instrumentationScope } =
    record;
  const timestamp = hrTime[0] * 1_000 + hrTime[1] / 1e6;
  return {
    eventName,
    severityNumber,
    severityText,
    body,
    attributes,
    timestamp,
    scope: instrumentationScope,
    span: spanContext && idsOf(spanContext),
  };
}

/** Its server is not started: what it would answer with is what its handler writes. */
function scrape(exporter) {
  return new Promise((resolve) => {
    const headers = {};
    const response = {
      statusCode: 0,
      setHeader: (name, value) => (headers[name.toLowerCase()] = value),
      end: (body) => resolve({ status: response.statusCode, headers, body }),
    };
    exporter.getMetricsRequestHandler({}, response);
  });
}
