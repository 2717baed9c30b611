import { describe, expect, it, vi } from 'vitest';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { CLIENTS, type ClientRegistry } from '../../support/clients.js';
import { guardOn, leak, leakyServer, scrape } from '../../support/guarded-server.js';
import { stageOfEachTest } from '../../support/stage.js';
import { samplesOf, valueOf } from '../../support/metrics-page.js';

describe.each(CLIENTS)('a registry of %s', (_name, { Registry, AggregatorRegistry }) => {
  const stage = stageOfEachTest();

  function openMetrics(): ClientRegistry {
    const register = new Registry();
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    return register;
  }

  async function leaky(register: ClientRegistry, labels: Record<string, string> = {}): Promise<() => void> {
    const guard = guardOn(stage);
    const { port } = await leakyServer(stage, guard, 'smtp');
    const undo = collectGuardMetrics(guard, { register, labels });
    stage.defer(undo);
    const sockets = await leak(stage, guard, port, 2);
    sockets[0]?.destroy();
    await new Promise((resolve) => sockets[0]?.once('close', resolve));
    return undo;
  }

  it('shows gauges, counters and the histogram', async () => {
    const register = new Registry();
    await leaky(register);
    const page = await scrape(register);
    expect(valueOf(page, 'close_wait_leaked_sockets', { cause: 'never-read' })).toBe(1);
    expect(valueOf(page, 'close_wait_leaks_total', { cause: 'never-read' })).toBe(2);
    expect(valueOf(page, 'close_wait_duration_seconds_count')).toBe(1);
    expect(valueOf(page, 'close_wait_duration_seconds_bucket', { le: '+Inf' })).toBe(1);
    expect(valueOf(page, 'close_wait_duration_seconds_bucket', { le: '14400' })).toBe(1);
    expect(valueOf(page, 'close_wait_duration_seconds_sum')).toBeGreaterThanOrEqual(0.3);
    expect(page).toContain('# TYPE close_wait_leaks_total counter\n');
    expect(page).toContain('# TYPE close_wait_duration_seconds histogram\n');
    expect(await register.getSingleMetricAsString('close_wait_oldest_seconds')).toMatch(/^# HELP .*\n.*\n.* [\d.]+$/);
  });

  it('in OpenMetrics: _total once, scrape after scrape, and the undo takes everything out', async () => {
    const register = openMetrics();
    const undo = await leaky(register);
    const pages = [await scrape(register), await scrape(register)];
    for (const page of pages) {
      expect(page).toContain('# TYPE close_wait_leaks counter\n');
      expect(valueOf(page, 'close_wait_leaks_total', { cause: 'never-read' })).toBe(2);
      expect(page).not.toContain('_total_total');
      expect(page).toMatch(/# EOF\n$/);
    }
    undo();
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('takes default labels, and the metric keeps its own', async () => {
    const register = new Registry();
    register.setDefaultLabels({ zone: 'a' });
    await leaky(register, { shop: 'north' });
    for (const page of [await scrape(register), await scrape(register)]) {
      expect(valueOf(page, 'close_wait_leaks_total', { cause: 'never-read', zone: 'a', shop: 'north' })).toBe(2);
    }
    await register.getMetricsAsJSON();
    expect(valueOf(await scrape(register), 'close_wait_duration_seconds_count', { zone: 'a' })).toBe(1);
  });

  it('can be merged with another one', async () => {
    const registers = [new Registry(), new Registry()];
    await leaky(registers[0]!);
    const page = await scrape(Registry.merge(registers));
    expect(valueOf(page, 'close_wait_leaks_total', { cause: 'never-read' })).toBe(2);
  });

  it('resetMetrics() empties the histogram; what the guard counts goes on', async () => {
    const register = new Registry();
    await leaky(register);
    await scrape(register);
    register.resetMetrics();
    const page = await scrape(register);
    expect(valueOf(page, 'close_wait_duration_seconds_count')).toBe(0);
    expect(valueOf(page, 'close_wait_leaks_total', { cause: 'never-read' })).toBe(2);
  });

  it('is summed up over cluster workers, each metric in its own way', async () => {
    const registers = [new Registry(), new Registry()];
    for (const register of registers) await leaky(register);
    // As it comes over an IPC channel.
    const lists = JSON.parse(
      JSON.stringify(await Promise.all(registers.map((register) => register.getMetricsAsJSON()))),
    );
    const page = await scrape(AggregatorRegistry.aggregate(lists));
    expect(valueOf(page, 'close_wait_leaks_total', { cause: 'never-read' })).toBe(4);
    expect(valueOf(page, 'close_wait_duration_seconds_bucket', { le: '+Inf' })).toBe(2);
    expect(valueOf(page, 'close_wait_guard_info')).toBe(1);
    const sampled = registers.map(async (register) =>
      valueOf(await scrape(register), 'close_wait_guard_last_sample_timestamp_seconds'),
    );
    expect(valueOf(page, 'close_wait_guard_last_sample_timestamp_seconds')).toBeLessThanOrEqual(
      Math.min(...(await Promise.all(sampled))),
    );
  });

  it('a guard that fails costs its own numbers of that scrape, never the page', async () => {
    const register = new Registry();
    register.registerMetric({
      name: 'of_the_application',
      help: 'x',
      type: 'gauge',
      get: () => ({ name: 'of_the_application', help: 'x', type: 'gauge', values: [{ value: 7, labels: {} }] }),
      reset: () => {},
    } as never);
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    stage.defer(() => warned.mockRestore());
    const guard = guardOn(stage);
    stage.defer(collectGuardMetrics(guard, { register }));
    const before = samplesOf(await scrape(register));
    guard.stats = () => {
      throw new Error('out of order');
    };
    const page = await scrape(register);
    expect(valueOf(page, 'of_the_application')).toBe(7);
    expect(valueOf(page, 'close_wait_guard_errors_total', { operation: 'scrape' })).toBe(1);
    expect(samplesOf(page).length, 'what was read last').toBe(before.length);
  });
});
