import successor from '@prometheus-io/client';
import promClient from 'prom-client';
import type { GuardRegistry } from '../../src/metrics/prometheus.js';

/** What tests need of a registry beyond what a guard does. */
export interface ClientRegistry extends GuardRegistry {
  setContentType(type: string): void;
  setDefaultLabels(labels: object): void;
  resetMetrics(): void;
  clear(): void;
  getMetricsAsArray(): unknown[];
  getMetricsAsJSON(): Promise<unknown[]>;
  getSingleMetricAsString(name: string): Promise<string>;
}

export interface Client {
  readonly Registry: {
    new (): ClientRegistry;
    readonly OPENMETRICS_CONTENT_TYPE: string;
    merge(registries: readonly ClientRegistry[]): ClientRegistry;
  };
  readonly AggregatorRegistry: { aggregate(metrics: readonly unknown[]): ClientRegistry };
  readonly register: ClientRegistry;
}

/** Both families of clients. */
export const CLIENTS: readonly (readonly [string, Client])[] = [
  ['prom-client', promClient],
  ['@prometheus-io/client', successor],
];
