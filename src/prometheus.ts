export { collectGuardMetrics } from './metrics/prometheus.js';
export type { GuardMetricsOptions, GuardRegistry } from './metrics/prometheus.js';
