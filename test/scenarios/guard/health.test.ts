import net, { type Socket } from 'node:net';
import underPressure from '@fastify/under-pressure';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/index.js';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();

/** A server that never closes, and a guard that follows it. */
async function leaky() {
  const accepted: Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => void accepted.push(socket.resume()));
  const guard = createGuard({ ...QUICK, scope: 'watched' });
  stage.defer(() => guard.close());
  guard.watch(server);
  const port = await stage.listen(server);
  const leak = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const { port: client } = await stage.visit(port);
      expect(kernelRow(port, client)?.state).toBe(CLOSE_WAIT);
    }
  };
  const open = async (count: number): Promise<void> => {
    await until(`${count} leaks`, () => guard.health().leaks === count);
  };
  return { guard, accepted, leak, open };
}

describe('guard.health()', () => {
  it('is well until a limit is passed, and well again below four fifths of it', async () => {
    const { guard, accepted, leak, open } = await leaky();
    expect(guard.health({ maxLeaks: 4 })).toEqual({ ok: true, leaks: 0, oldestMs: 0, reason: undefined });
    await leak(4);
    await open(4);
    expect(guard.health({ maxLeaks: 4 })).toMatchObject({ ok: true, leaks: 4 });
    await leak(1);
    await open(5);
    expect(guard.health({ maxLeaks: 4 })).toMatchObject({
      ok: false,
      reason: '5 leaked sockets are open (maxLeaks 4)',
    });
    accepted.pop()!.end();
    await open(4);
    expect(guard.health({ maxLeaks: 4 }).ok, 'not yet').toBe(false);
    expect(guard.health({ maxLeaks: 5 }).ok, 'other limits have a memory of their own').toBe(true);
    accepted.pop()!.end();
    await open(3);
    expect(guard.health({ maxLeaks: 4 })).toMatchObject({ ok: true, reason: undefined });
  });

  it('knows the age of the oldest half-closed socket', async () => {
    const { guard, leak } = await leaky();
    await leak(1);
    await until('it to be old', () => !guard.health({ maxOldestMs: 250 }).ok);
    expect(guard.health({ maxOldestMs: 250 }).reason).toMatch(
      /^the oldest half-closed socket is \d{3} ms old \(maxOldestMs 250\)$/,
    );
    expect(guard.health().ok).toBe(true);
  });

  it('names a limit that it cannot take', () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const cases: readonly [unknown, string][] = [
      [{ maxLeaks: -1 }, 'maxLeaks'],
      [{ maxOldestMs: 0.5 }, 'maxOldestMs'],
      [{ maxLeak: 1 }, '"maxLeak"'],
      [null, 'the argument of health()'],
    ];
    for (const [limits, named] of cases)
      expect(() => guard.health(limits as never)).toThrow(
        expect.objectContaining({ code: 'CWG_ERR_ARGUMENT', message: expect.stringContaining(named) }),
      );
  });

  it('is well where nothing can be seen: after close()', () => {
    const guard = createGuard(QUICK);
    guard.close();
    expect(guard.health({ maxLeaks: 0 })).toEqual({ ok: true, leaks: 0, oldestMs: 0, reason: undefined });
  });

  it.each([
    ['a readiness route', false],
    ['the healthCheck of @fastify/under-pressure', true],
  ])('takes a service out of its load balancer as %s, and back', async (_name, asCheck) => {
    const { guard, accepted, leak, open } = await leaky();
    const app = Fastify();
    stage.defer(() => app.close());
    if (asCheck) {
      const healthCheck = async (): Promise<boolean> => guard.health({ maxLeaks: 0 }).ok;
      await app.register(underPressure, { healthCheck, healthCheckInterval: 50 });
    }
    app.get('/ready', (_request, reply) =>
      reply.code(asCheck || guard.health({ maxLeaks: 0 }).ok ? 200 : 503).send(''),
    );
    const becomes = (status: number): Promise<unknown> =>
      until(`${status}`, async () => (await app.inject('/ready')).statusCode === status);
    await becomes(200);
    await leak(1);
    await open(1);
    await becomes(503);
    accepted.pop()!.end();
    await open(0);
    await becomes(200);
  });
});
