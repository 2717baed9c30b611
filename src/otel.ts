export { instrumentGuard } from './metrics/otel/instrument-guard.js';
export type { OtelLoggerProvider, OtelMeterProvider, OtelOptions } from './metrics/otel/instrument-guard.js';
