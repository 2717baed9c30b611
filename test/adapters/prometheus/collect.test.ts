import { existsSync } from 'node:fs';
import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { register as globalRegister, Registry, type OpenMetricsContentType } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import type { Guard } from '../../../src/guard/guard.js';
import { collectGuardMetrics, type GuardRegistry } from '../../../src/metrics/prometheus.js';
import { guardOn, held, leak, leakyServer, ON_DEMAND, scrape } from '../../support/guarded-server.js';
import { FIN_WAIT2, kernelRows } from '../../support/kernel-view.js';
import { stageOfEachTest } from '../../support/stage.js';
import { samplesOf, valueOf, grantedBacklog } from '../../support/metrics-page.js';
import { until } from '../../support/until.js';

function openMetrics(): Registry<OpenMetricsContentType> {
  const register = new Registry<OpenMetricsContentType>();
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return register;
}

describe.each<[string, () => GuardRegistry]>([
  ['Prometheus', () => new Registry()],
  ['OpenMetrics', openMetrics],
])('in a registry of type %s', (_type, newRegistry) => {
  const stage = stageOfEachTest();

  it('zeros are there before the first leak', async () => {
    const register = newRegistry();
    const guard = guardOn(stage);
    await leakyServer(stage, guard, 'smtp');
    stage.defer(collectGuardMetrics(guard, { register }));
    const page = await scrape(register);
    for (const kind of ['close-wait', 'reset', 'stalled']) {
      expect(valueOf(page, 'close_wait_leaked_sockets', { kind })).toBe(0);
      expect(valueOf(page, 'close_wait_leaks_found_total', { kind })).toBe(0);
      expect(valueOf(page, 'close_wait_released_total', { kind })).toBe(0);
    }
    for (const side of ['inbound', 'outbound', 'unknown']) {
      expect(valueOf(page, 'close_wait_sockets', { side, server: '' })).toBe(0);
    }
    expect(valueOf(page, 'close_wait_sockets', { side: 'inbound', server: 'smtp' })).toBe(0);
    expect(valueOf(page, 'close_wait_oldest_seconds')).toBe(0);
    expect(valueOf(page, 'close_wait_unread_bytes')).toBe(0);
    expect(valueOf(page, 'close_wait_guard_errors_total')).toBe(0);
    expect(valueOf(page, 'tcp_fin_wait2_sockets', { server: 'smtp' })).toBe(0);
    expect(valueOf(page, 'tcp_accept_queue_close_wait_sockets', { server: 'smtp' })).toBe(0);
    expect(valueOf(page, 'tcp_accept_queue_limit', { server: 'smtp' })).toBe(grantedBacklog());
  });

  it(`values are the kernel's`, async () => {
    const register = newRegistry();
    const guard = guardOn(stage);
    const { port } = await leakyServer(stage, guard, 'smtp');
    stage.defer(collectGuardMetrics(guard, { register }));
    const sockets = await leak(stage, guard, port, 3);
    await stage.visit(port, 'young');

    const page = await scrape(register);
    expect(held(port)).toBe(4);
    expect(valueOf(page, 'close_wait_sockets', { side: 'inbound', server: 'smtp' })).toBe(4);
    const labels = { kind: 'close-wait', cause: 'never-read', side: 'inbound', route: '' };
    expect(valueOf(page, 'close_wait_leaked_sockets', labels)).toBe(3);
    expect(valueOf(page, 'close_wait_leaks_total', labels)).toBe(3);
    expect(valueOf(page, 'close_wait_unread_bytes')).toBe(15);
    expect(valueOf(page, 'close_wait_oldest_seconds')).toBeGreaterThanOrEqual(ON_DEMAND.closeWaitTimeout / 1000);

    sockets[0]?.destroy();
    await until('the fd to be closed', () => held(port) === 3);
    const later = await scrape(register);
    expect(valueOf(later, 'close_wait_leaked_sockets')).toBe(2);
    expect(valueOf(later, 'close_wait_leaks_found_total')).toBeGreaterThanOrEqual(3);
    expect(valueOf(later, 'close_wait_released_total', { kind: 'close-wait' })).toBe(1);
  });

  it.for([
    ['of IPv4', ['127.0.0.1']],
    ['of IPv6 with IPv4-mapped clients', ['::']],
    ['of both', ['127.0.0.1', '::']],
  ] as const)('FIN_WAIT_2 is counted on listeners %s', async ([, hosts], { skip }) => {
    skip(hosts.some((host) => host === '::') && !existsSync('/proc/net/if_inet6'), 'this kernel has no IPv6');
    const register = newRegistry();
    const guard = guardOn(stage);
    stage.defer(collectGuardMetrics(guard, { register }));
    const ports: number[] = [];
    for (const host of hosts) {
      const server = net.createServer((socket) => socket.end());
      const port = await stage.listen(server, host);
      ports.push(port);
      guard.watch(server, { name: `port-${port}` });
      await stage.connect(port);
      await until('FIN_WAIT_2', () => kernelRows().some((row) => row.localPort === port && row.state === FIN_WAIT2));
    }
    const page = await scrape(register);
    for (const port of ports) expect(valueOf(page, 'tcp_fin_wait2_sockets', { server: `port-${port}` })).toBe(1);
  });

  it.each([
    ['takes a sample where nothing else does', 0, true],
    ['takes none where a timer does', 3_600_000, false],
  ])('one scrape reads the counts once, also when two come at once, and %s', async (_what, sampleInterval, samples) => {
    const register = newRegistry();
    const guard = guardOn(stage, { ...ON_DEMAND, sampleInterval });
    stage.defer(collectGuardMetrics(guard, { register }));
    const described = [vi.spyOn(guard, 'leaks'), vi.spyOn(guard, 'sockets')];
    const before = guard.stats().lastSample;
    const read = vi.spyOn(guard, 'stats');
    await scrape(register);
    expect(read).toHaveBeenCalledTimes(1);
    expect(guard.stats().lastSample !== before, 'a sample was taken').toBe(samples);
    await nextTurn();
    await Promise.all([register.metrics(), register.metrics()]);
    expect(read).toHaveBeenCalledTimes(3);
    await scrape(register);
    expect(read).toHaveBeenCalledTimes(4);
    for (const spy of described) expect(spy, 'a scrape describes nothing').not.toHaveBeenCalled();
  });
});

describe('names and labels', () => {
  const stage = stageOfEachTest();

  it('have the prefix and the constant labels they were given', async () => {
    const register = new Registry();
    stage.defer(collectGuardMetrics(guardOn(stage), { register, prefix: 'shop_', labels: { zone: 'a', host: 'b"1' } }));
    const page = await scrape(register);
    const samples = samplesOf(page).filter(({ name }) => !name.includes('_accept_') && !name.includes('fin_wait2'));
    expect(samples.length).toBeGreaterThan(10);
    for (const { name, labels } of samples) {
      expect(name).toMatch(/^shop_(?:close_wait|tcp)_/);
      expect(labels).toMatchObject({ zone: 'a', host: 'b\\"1' });
    }
  });

  it('go into the global registry unless another is named, and the undo takes them out, once', async () => {
    const undo = collectGuardMetrics(guardOn(stage));
    expect(await globalRegister.metrics()).toContain('close_wait_leaked_sockets');
    undo();
    undo();
    expect(globalRegister.getMetricsAsArray()).toEqual([]);
  });

  it('come back after the application has cleared its registry', async () => {
    const register = new Registry();
    const guard = guardOn(stage);
    const stale = collectGuardMetrics(guard, { register });
    register.clear();
    const undo = collectGuardMetrics(guard, { register });
    expect(await scrape(register)).toContain('close_wait_leaked_sockets');
    stale();
    expect(await scrape(register), 'an undo takes out its own metrics only').toContain('close_wait_leaked_sockets');
    undo();
    expect(await scrape(register)).not.toContain('close_wait');
  });

  it.each<[object, string]>([
    [{ prefix: '1shop_' }, `option prefix is "1shop_"; it takes '' or the start of a metric name`],
    [{ prefix: 7 }, 'option prefix is 7; '],
    [{ labels: { 'a-b': 'x' } }, 'option labels, name is "a-b"; it takes letters, digits and _, not first a digit'],
    [{ labels: { zone: 7 } }, 'option labels.zone is 7; it takes a string'],
    [{ labels: { kind: 'x' } }, 'option labels, name is "kind"; it takes a name that no metric of the guard has'],
    [{ labels: null }, 'option labels is null; it takes an object of label names and values'],
    [
      { register: 'default' },
      'option register is "default"; it takes a registry of prom-client or @prometheus-io/client',
    ],
    [{ registers: [] }, 'there is no option "registers"; the options are register, prefix, labels'],
  ])('%o is refused', (options, message) => {
    const guard = guardOn(stage);
    const register = new Registry();
    expect(() => collectGuardMetrics(guard, { register, ...options })).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_OPTION', message: expect.stringContaining(message) }),
    );
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('what is no guard is refused', () => {
    expect(() => collectGuardMetrics({} as Guard)).toThrow(expect.objectContaining({ code: 'CWG_ERR_ARGUMENT' }));
  });
});
