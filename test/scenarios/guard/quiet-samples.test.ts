import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard, type Guard } from '../../../src/guard/guard.js';
import { createObserver } from '../../../src/guard/observer.js';
import type { GuardOptions } from '../../../src/guard/options.js';
import { median } from '../../../bench/stats.mjs';
import { follow } from '../../support/reports.js';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

/** The numbers of the kernel are read eight times in it: at these settings not in every sample. */
const TIME_OUT_IN_INTERVALS = 20;

/** Returns in the turn in which it was seen that one more sample has ended. */
async function nextSample(guard: Guard): Promise<void> {
  const before = guard.stats().lastSample;
  await until('another sample', () => guard.stats().lastSample !== before);
}

describe('behind samples that found nothing', () => {
  const stage = stageOfEachTest();

  async function quietGuard(sampleInterval: number): Promise<{ guard: Guard; port: number }> {
    const guard = createGuard({ sampleInterval, closeWaitTimeout: sampleInterval * TIME_OUT_IN_INTERVALS });
    stage.defer(() => guard.close());
    const port = await stage.listen(net.createServer((socket) => socket.on('error', () => undefined).pause()));
    // The third is a whole one, the next two are short.
    for (let i = 0; i < 3; i++) await nextSample(guard);
    return { guard, port };
  }

  async function leave(port: number): Promise<number> {
    const client = net.connect(port, '127.0.0.1').on('error', () => undefined);
    stage.defer(() => client.destroy());
    await once(client, 'connect');
    const leftAt = Date.now();
    client.end('nobody reads this');
    await until('the kernel to have the FIN', () =>
      kernelRows().some(({ localPort, state }) => localPort === port && state === CLOSE_WAIT),
    );
    return leftAt;
  }

  it('a half-close that is older than the watch on its socket has its age', async () => {
    const interval = 500;
    const { guard, port } = await quietGuard(interval);
    // Too young for the next sample: the one after it puts the socket on the watch, and meets the FIN there.
    const leftAt = await leave(port);
    await until('it to be found', () => guard.stats().oldestMs > 0, { everyMs: 1 });
    const { oldestMs, lastSample } = guard.stats();
    const trueAgeMs = lastSample.endedAt! - leftAt;
    expect(oldestMs).toBeGreaterThan(trueAgeMs - interval / 2);
    expect(oldestMs).toBeLessThanOrEqual(trueAgeMs + 5);
  });

  it('time in which the event loop was blocked makes no leak of what came in it', async () => {
    const interval = 50;
    const { guard, port } = await quietGuard(interval);
    const leaks: unknown[] = [];
    guard.on('leak', (leak) => leaks.push(leak));
    await leave(port);
    const blockedUntil = performance.now() + interval * TIME_OUT_IN_INTERVALS * 1.5;
    while (performance.now() < blockedUntil);
    await nextSample(guard);
    await nextSample(guard);
    expect(guard.sockets()).toHaveLength(1);
    expect(leaks).toEqual([]);
    // It is one when it has had its time.
    await until('it to be told', () => leaks.length === 1);
  });
});

describe('beside leaks that are known', () => {
  const stage = stageOfEachTest();
  const LEAKS = 20;
  /** The numbers of the kernel are read in every fifth sample. */
  const SLOW = { sampleInterval: 25, closeWaitTimeout: 1_000 };

  /** Returns the guard, its leaks' sockets, and what it tells, when all are leaks that were told. */
  async function leakyGuard(options: GuardOptions = {}) {
    const guard = createGuard({ ...SLOW, ...options });
    stage.defer(() => guard.close());
    const { leaks, released } = follow(guard);
    const sockets: net.Socket[] = [];
    const port = await stage.listen(
      net.createServer((socket) => sockets.push(socket.on('error', () => undefined).pause())),
    );
    for (let i = 0; i < LEAKS; i++) await stage.visit(port, 'nobody reads this');
    await until('all of them', () => leaks.length === LEAKS);
    return { guard, port, sockets, released };
  }

  /** How many sockets each of the next samples reads. */
  async function readInSamples(guard: Guard, count: number): Promise<number[]> {
    const read: number[] = [];
    while (read.length < count) {
      await nextSample(guard);
      read.push(guard.stats().lastSample.socketsRead);
    }
    return read;
  }

  it('most samples read none of them, and others as many as all these would', async () => {
    const { guard } = await leakyGuard();
    const read = await readInSamples(guard, 40);
    expect(read.filter((sockets) => sockets === 0).length).toBeGreaterThan(10);
    // Three a sample, of which the last three may still be owed.
    expect(read.reduce((sum, sockets) => sum + sockets, 0)).toBeGreaterThanOrEqual(37 * 3);
    expect(Math.max(...read)).toBeLessThanOrEqual(12);
  });

  it('one that is closed is told in the sample after it', async () => {
    const { guard, port, sockets, released } = await leakyGuard();
    for (const socket of sockets.slice(0, 3)) {
      const before = released.length;
      await nextSample(guard);
      const { remotePort } = socket;
      socket.destroy();
      // It reads that leak in a turn of its own, which may be counted to the next.
      await nextSample(guard);
      expect(released.slice(before)).toMatchObject([{ remotePort }]);
    }
    expect(kernelRows().filter(({ localPort, state }) => localPort === port && state === CLOSE_WAIT)).toHaveLength(
      LEAKS - 3,
    );
  });

  it('one that is closed and that another guard has read first is told in the sample after that', async () => {
    const observer = createObserver({ ...SLOW, scope: 'process' });
    stage.defer(() => observer.close());
    const { guard, sockets, released } = await leakyGuard();
    const seen = follow(observer);
    for (const socket of sockets.slice(0, 3)) {
      const before = released.length;
      await nextSample(guard);
      socket.destroy();
      observer.sockets();
      await nextSample(guard);
      await nextSample(guard);
      expect(released).toHaveLength(before + 1);
      expect(seen.released).toHaveLength(before + 1);
    }
  });

  it('their ages are as of the last sample, whether it has read any or not', async () => {
    const { guard } = await leakyGuard();
    const offBy: number[] = [];
    while (offBy.length < 12) {
      const before = guard.stats();
      await nextSample(guard);
      const after = guard.stats();
      if (before.lastSample.socketsRead + after.lastSample.socketsRead > 0) continue;
      const betweenMs = after.lastSample.endedAt! - before.lastSample.endedAt!;
      offBy.push(Math.abs(after.oldestMs - before.oldestMs - betweenMs));
    }
    // A sample that is still under way may have been met: that is one of them.
    expect(median(offBy)).toBeLessThan(5);
  });

  it('a new one is found, and time in which the loop was blocked makes none of it', async () => {
    const { guard, port, released } = await leakyGuard();
    const found = follow(guard);
    await stage.visit(port, 'nor this');
    const blockedUntil = performance.now() + 1.5 * SLOW.closeWaitTimeout;
    while (performance.now() < blockedUntil);
    await nextSample(guard);
    await nextSample(guard);
    expect(found.leaks).toEqual([]);
    await until('it to be told', () => found.leaks.length === 1);
    expect(released).toEqual([]);
  });

  it('reclaim has all its samples', async () => {
    const { guard } = await leakyGuard({ reclaim: { afterMs: 60_000 } });
    expect((await readInSamples(guard, 12)).filter((sockets) => sockets === 0)).toEqual([]);
  });
});
