import Fastify, { type FastifyInstance } from 'fastify';
import {
  register as successorRegister,
  Registry as SuccessorRegistry,
  type OpenMetricsContentType as SuccessorOpenMetrics,
} from '@prometheus-io/client';
import { AggregatorRegistry, register, Registry, type OpenMetricsContentType } from 'prom-client';
import { describe, expectTypeOf, it } from 'vitest';
import closeWaitGuard, {
  closeWaitGuard as named,
  type CloseWaitGuardPluginOptions,
  type Guard,
  type GuardOptions,
} from '../../../src/index.js';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { localhost } from '../../support/tls.js';

const prometheus = {} as Registry;
const openMetrics = {} as Registry<OpenMetricsContentType>;

describe('the plugin', () => {
  it('registers on every kind of Fastify server', () => {
    void Fastify().register(closeWaitGuard);
    void Fastify().register(named, { closeWaitTimeout: 60_000 });
    void Fastify({ http2: true }).register(closeWaitGuard, { metrics: false });
    void Fastify({ https: localhost }).register(closeWaitGuard, { metricsRoute: false });
    expectTypeOf(named).toEqualTypeOf(closeWaitGuard);
  });

  it('decorates the server', () => {
    expectTypeOf<FastifyInstance['closeWaitGuard']>().toEqualTypeOf<Guard>();
  });

  it('takes the options of a guard and two of its own', () => {
    expectTypeOf<CloseWaitGuardPluginOptions>().toExtend<GuardOptions>();
    const app = Fastify();
    void app.register(closeWaitGuard, { metrics: { register: prometheus, prefix: 'shop_', labels: { zone: 'a' } } });
    void app.register(closeWaitGuard, { metrics: { register: openMetrics }, metricsRoute: '/internal/metrics' });
    void app.register(closeWaitGuard, { onLeak: (leak) => expectTypeOf(leak.kind).toBeString() });
    // @ts-expect-error No such option.
    void app.register(closeWaitGuard, { closeWaitTimeoutMs: 1 });
    // @ts-expect-error Metrics are on by leaving the option out.
    void app.register(closeWaitGuard, { metrics: true });
    // @ts-expect-error A route is a path, or false.
    void app.register(closeWaitGuard, { metricsRoute: true });
  });
});

describe('collectGuardMetrics', () => {
  const guard = {} as Guard;

  it('takes every type of registry of both clients and returns its undo', () => {
    expectTypeOf(collectGuardMetrics(guard)).toEqualTypeOf<() => void>();
    collectGuardMetrics(guard, { register: prometheus });
    collectGuardMetrics(guard, { register: openMetrics, prefix: 'shop_' });
    collectGuardMetrics(guard, { register: new Registry() });
    collectGuardMetrics(guard, { register });
    collectGuardMetrics(guard, { register: new AggregatorRegistry() });
    collectGuardMetrics(guard, { register: successorRegister });
    collectGuardMetrics(guard, { register: new SuccessorRegistry() });
    collectGuardMetrics(guard, { register: {} as SuccessorRegistry<SuccessorOpenMetrics> });
    // @ts-expect-error Not a registry.
    collectGuardMetrics(guard, { register: { metrics: () => Promise.resolve('') } });
    // @ts-expect-error A label's value is a string.
    collectGuardMetrics(guard, { labels: { shard: 7 } });
    // @ts-expect-error No such option.
    collectGuardMetrics(guard, { registry: prometheus });
    // @ts-expect-error A guard comes first.
    collectGuardMetrics({ register: prometheus });
  });
});
