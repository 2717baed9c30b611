import { Gauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { guardOn, leak, leakyServer, ON_DEMAND, scrape } from '../../support/guarded-server.js';
import { stageOfEachTest } from '../../support/stage.js';
import { valueOf } from '../../support/metrics-page.js';

describe('several guards in one registry', () => {
  const stage = stageOfEachTest();

  it('are added up, the oldest is a maximum, and counters do not fall when one is taken out', async () => {
    const register = new Registry();
    const guards = [
      guardOn(stage, { ...ON_DEMAND, scope: 'watched' }),
      guardOn(stage, { ...ON_DEMAND, scope: 'watched' }),
    ];
    const undo = guards.map((guard) => collectGuardMetrics(guard, { register }));
    for (const [i, guard] of guards.entries()) {
      const { port } = await leakyServer(stage, guard, `smtp-${i}`);
      await leak(stage, guard, port, i + 1);
    }
    const before = guards.map((guard) => guard.stats().oldestMs / 1000);
    const page = await scrape(register);
    const after = guards.map((guard) => guard.stats().oldestMs / 1000);
    expect(valueOf(page, 'close_wait_leaked_sockets')).toBe(3);
    expect(valueOf(page, 'close_wait_leaks_found_total')).toBe(3);
    expect(valueOf(page, 'close_wait_unread_bytes')).toBe(15);
    expect(valueOf(page, 'close_wait_oldest_seconds')).toBeGreaterThanOrEqual(Math.max(...before));
    expect(valueOf(page, 'close_wait_oldest_seconds')).toBeLessThanOrEqual(Math.max(...after));

    undo[1]?.();
    const one = await scrape(register);
    expect(valueOf(one, 'close_wait_leaked_sockets')).toBe(1);
    expect(valueOf(one, 'close_wait_leaks_found_total')).toBe(3);
    undo[0]?.();
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('conflict when one comes twice, when labels differ, and when a name is taken', () => {
    const conflict = (message: string): object =>
      expect.objectContaining({ code: 'CWG_ERR_METRICS_CONFLICT', message: expect.stringContaining(message) });
    const [first, second] = [guardOn(stage), guardOn(stage)];
    const register = new Registry();
    collectGuardMetrics(first, { register, labels: { zone: 'a' } });
    expect(() => collectGuardMetrics(first, { register, labels: { zone: 'a' } })).toThrow(
      conflict('collected in this registry already'),
    );
    expect(() => collectGuardMetrics(second, { register, labels: { host: 'b' } })).toThrow(conflict('[host]'));
    expect(() => collectGuardMetrics(second, { register })).toThrow(conflict('they must agree'));

    const taken = new Registry();
    new Gauge({ name: 'close_wait_oldest_seconds', help: 'mine', registers: [taken] });
    expect(() => collectGuardMetrics(first, { register: taken })).toThrow(conflict('option prefix'));
    expect(taken.getMetricsAsArray(), 'nothing of it stays').toHaveLength(1);
    expect(() => collectGuardMetrics(first, { register: taken, prefix: 'guard_' })).not.toThrow();
  });
});

describe('a guard that is closed', () => {
  const stage = stageOfEachTest();

  it('keeps its totals and has nothing open', async () => {
    const register = new Registry();
    const guard = guardOn(stage);
    const { port } = await leakyServer(stage, guard, 'smtp');
    stage.defer(collectGuardMetrics(guard, { register }));
    await leak(stage, guard, port);
    await scrape(register);
    guard.close();
    const page = await scrape(register);
    expect(valueOf(page, 'close_wait_leaks_found_total')).toBe(1);
    expect(valueOf(page, 'close_wait_leaked_sockets')).toBe(0);
  });
});
