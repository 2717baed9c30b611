import { Registry } from 'prom-client';
import net from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { findLeakedSockets } from '../../../src/testing.js';
import { guardOn, held } from '../../support/guarded-server.js';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { valueOf } from '../../support/metrics-page.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

/** The time of day is turned on instead of waited for. */
const day = vi.hoisted(() => ({ aheadMs: 0 }));
vi.mock('../../../src/base/clock.js', async (original) => {
  const real = await original<typeof import('../../../src/base/clock.js')>();
  return { ...real, wallClockMs: () => real.wallClockMs() + day.aheadMs };
});

const stage = stageOfEachTest();
const HOUR = 3_600_000;
afterEach(() => {
  day.aheadMs = 0;
  vi.restoreAllMocks();
});

async function servers(guard: ReturnType<typeof guardOn>): Promise<{ known: number; other: number }> {
  const [known, other] = [net.createServer(() => {}), net.createServer(() => {})];
  guard.watch(known, { name: 'legacy' });
  guard.watch(other, { name: 'other' });
  return { known: await stage.listen(known), other: await stage.listen(other) };
}

describe('a leak that a rule of ignore fits', () => {
  it('is told nowhere, counted as ignored, and left alone; others are not', async () => {
    const calls: unknown[] = [];
    const ignore = [{ server: 'leg*', cause: 'never-read' as const }];
    const onLeak = (): void => void calls.push(0);
    const guard = guardOn(stage, { ...QUICK, scope: 'watched', ignore, reclaim: { afterMs: 0 }, onLeak });
    const register = new Registry();
    collectGuardMetrics(guard, { register });
    const seen = follow(guard);
    const reclaimed: unknown[] = [];
    guard.on('reclaimed', ({ server }) => reclaimed.push(server));
    const { known, other } = await servers(guard);
    const left = await stage.visit(known, 'hello');
    await until('it to be ignored', () => guard.stats().ignored === 1);
    await stage.visit(other, 'hello');
    await until('the other to be reclaimed', () => reclaimed.length > 0);

    expect(seen.leaks.map(({ server }) => server)).toEqual(['other']);
    expect(reclaimed).toEqual(['other']);
    expect(calls).toHaveLength(1);
    expect(guard.leaks()).toEqual([]);
    expect(guard.sockets()).toMatchObject([{ server: 'legacy', leaked: false, ignored: true, count: 0 }]);
    expect(kernelRow(known, left.port)?.state).toBe(CLOSE_WAIT);
    const page = await register.metrics();
    expect(valueOf(page, 'close_wait_leaked_sockets')).toBe(0);
    expect(valueOf(page, 'close_wait_leaks_found_total')).toBe(1);
    expect(valueOf(page, 'close_wait_oldest_seconds'), 'an alert on the oldest').toBe(0);
    expect(valueOf(page, 'close_wait_unread_bytes')).toBe(0);
    expect(valueOf(page, 'close_wait_sockets', { server: 'legacy' }), 'the kernel has it').toBe(held(known));
  });

  it('is forgotten when it is closed, and nothing is released', async () => {
    const sockets: net.Socket[] = [];
    const guard = guardOn(stage, { ...QUICK, scope: 'watched', ignore: [{ cause: 'never-read' }] });
    const seen = follow(guard);
    const server = net.createServer((socket) => sockets.push(socket));
    guard.watch(server);
    await stage.visit(await stage.listen(server), 'hello');
    await until('it to be ignored', () => guard.stats().ignored === 1);
    sockets[0]!.destroy();
    await until('its end', () => guard.stats().ignored === 0);
    expect(guard.sockets()).toEqual([]);
    expect(guard.stats().released).toEqual({ 'close-wait': 0, reset: 0, stalled: 0 });
    expect([...seen.leaks, ...seen.released]).toEqual([]);
  });

  it('is told when the rule has ended, and so is what comes then', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const tomorrow = new Date(Date.now() + 24 * HOUR);
    const guard = guardOn(stage, { ...QUICK, scope: 'watched', ignore: [{ server: 'legacy', until: tomorrow }] });
    const seen = follow(guard);
    const { known } = await servers(guard);
    await stage.visit(known, 'hello');
    await until('it to be ignored', () => guard.stats().ignored === 1);
    day.aheadMs = 23 * HOUR;
    guard.leaks();
    expect([guard.stats().ignored, seen.leaks, warned.mock.calls]).toEqual([1, [], []]);
    day.aheadMs = 25 * HOUR;
    const leak = await until('the leak', () => seen.leaks[0]);
    expect(leak).toMatchObject({ server: 'legacy', count: 1 });
    expect(warned).toHaveBeenCalledWith(
      `close-wait-guard: ignore[0] (server legacy) ended at ${tomorrow.toISOString()}: what it kept back is told again`,
      { type: 'CloseWaitGuardWarning', code: 'CWG_WARN_IGNORE_ENDED' },
    );
    expect(guard.stats().ignored).toBe(0);
    await stage.visit(known, 'hello');
    await until('the next', () => seen.leaks.length > 1);
  });

  it('is known by its fingerprint', async () => {
    const first = guardOn(stage, { ...QUICK, scope: 'watched' });
    const seen = follow(first);
    const server = net.createServer(() => {});
    const port = await stage.listen(server);
    first.watch(server, { name: 'mail' });
    await stage.visit(port, 'hello');
    const { fingerprint } = await until('the leak', () => seen.leaks[0]);
    first.close();
    const guard = guardOn(stage, { ...QUICK, scope: 'watched', ignore: [{ fingerprint }] });
    guard.watch(server, { name: 'mail' });
    await until('it to be ignored', () => guard.stats().ignored === 1);
  });

  it('does not count in tests that take the same rules', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue();
    const server = net.createServer(() => {});
    const port = await stage.listen(server);
    await stage.visit(port, 'hello');
    const of = (ignore: { server: string; until?: string }[]) => findLeakedSockets({ deadlineMs: 0, server, ignore });
    expect(await of([{ server: `net:${port}` }])).toEqual([]);
    expect(await of([{ server: 'net:1' }])).toHaveLength(1);
    expect(await of([{ server: `net:${port}`, until: '2001-01-01' }])).toHaveLength(1);
    await expect(of([{ sever: 'x' } as never])).rejects.toThrow('there is no option "ignore[0].sever"');
  });
});

describe('equal leaks', () => {
  it('have one fingerprint and are counted, down to 0 when the last is closed', async () => {
    const guard = guardOn(stage, { ...QUICK, scope: 'watched' });
    const seen = follow(guard);
    const { known, other } = await servers(guard);
    for (let i = 0; i < 3; i++) await stage.visit(known, 'hello');
    await stage.visit(other, 'hello');
    await until('all leaks', () => seen.leaks.length === 4);
    const of = (name: string) => seen.leaks.filter(({ server }) => server === name);
    expect(of('legacy').map(({ count }) => count)).toEqual([1, 2, 3]);
    expect(of('other').map(({ count }) => count)).toEqual([1]);
    expect(new Set(seen.leaks.map(({ fingerprint }) => fingerprint)).size).toBe(2);
    for (const { fingerprint } of seen.leaks) expect(fingerprint).toMatch(/^[0-9a-f]{12}$/);
    expect(
      guard
        .leaks()
        .filter(({ server }) => server === 'legacy')
        .map(({ count }) => count),
    ).toEqual([3, 3, 3]);

    for (const socket of seen.sockets.values()) socket!.destroy();
    await until('their release', () => seen.released.length === 4);
    const left = seen.released.filter(({ server }) => server === 'legacy').map(({ count }) => count);
    expect(left).toEqual([2, 1, 0]);
    expect(new Set(seen.released.map(({ fingerprint }) => fingerprint))).toEqual(
      new Set(seen.leaks.map(({ fingerprint }) => fingerprint)),
    );
  });

  it('stay the same when they are reset', async () => {
    const guard = guardOn(stage, { ...QUICK, scope: 'watched' });
    const seen = follow(guard);
    const server = net.createServer(() => {});
    guard.watch(server);
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say('hello');
    await client.halfClose();
    const leak = await until('the leak', () => seen.leaks[0]);
    await client.reset();
    const now = await until('it to be reset', () => guard.leaks().find(({ kind }) => kind === 'reset'));
    expect(now).toMatchObject({ id: leak.id, fingerprint: leak.fingerprint, count: 1 });
  });
});
