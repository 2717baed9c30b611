import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import type { CloseWaitGuard } from '../../../src/index.js';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const INTERVAL_MS = 500;

/** Returns in the turn in which it was seen that one more sample has ended. */
async function nextSample(guard: CloseWaitGuard): Promise<void> {
  const before = guard.stats().lastSample;
  await until('another sample', () => guard.stats().lastSample !== before);
}

describe('behind samples that found nothing', () => {
  const stage = stageOfEachTest();

  async function quietGuard(closeWaitTimeout: number): Promise<{ guard: CloseWaitGuard; port: number }> {
    const guard = createGuard({ sampleInterval: INTERVAL_MS, closeWaitTimeout });
    stage.defer(() => guard.close());
    const port = await stage.listen(net.createServer((socket) => socket.on('error', () => undefined).pause()));
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
    const { guard, port } = await quietGuard(1_000);
    const told = once(guard, 'leak');
    // Too young for the next sample: the one after it puts the socket on the watch, and meets the FIN there.
    const leftAt = await leave(port);
    const [{ ageMs }] = (await told) as [{ ageMs: number }];
    const trueAgeMs = performance.now() - leftAt;
    expect(ageMs).toBeGreaterThan(trueAgeMs - INTERVAL_MS / 2);
    expect(ageMs).toBeLessThanOrEqual(trueAgeMs + 5);
  });

  it('time in which the event loop was blocked makes no leak of what came in it', async () => {
    const { guard, port } = await quietGuard(2_000);
    const leaks: unknown[] = [];
    guard.on('leak', (leak) => leaks.push(leak));
    await leave(port);
    const blockedUntil = performance.now() + 3_000;
    while (performance.now() < blockedUntil);
    await nextSample(guard);
    await nextSample(guard);
    expect(guard.sockets()).toHaveLength(1);
    expect(leaks).toEqual([]);
    // It is one when it has had its time.
    await until('it to be told', () => leaks.length === 1);
  });
});
