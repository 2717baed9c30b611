import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard, type Guard } from '../../../src/guard/guard.js';
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
    const leftAt = performance.now();
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
    const trueAgeMs = performance.now() - leftAt;
    expect(guard.stats().oldestMs).toBeGreaterThan(trueAgeMs - interval / 2);
    expect(guard.stats().oldestMs).toBeLessThanOrEqual(trueAgeMs + 5);
  });

  it('time in which the event loop was blocked makes no leak of what came in it', async () => {
    const interval = 100;
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
