import http from 'node:http';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { internalsOf } from '../../../src/guard/internals.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { guardOn } from '../../support/guarded-server.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { leakOnce } from '../../support/leaky-app.js';
import { until } from '../../support/until.js';
import { warningsDuring } from '../../support/warnings.js';

describe('a listener that throws', () => {
  const stage = stageOfEachTest();

  it('does not reach the application, the others are called, and it is counted and said once', async () => {
    const warnings = warningsDuring(stage);
    const heard: string[] = [];
    const guard = createGuard({
      ...QUICK,
      onLeak: (leak) => {
        heard.push(`onLeak ${leak.kind}`);
        throw new Error('broken onLeak');
      },
    });
    stage.defer(() => guard.close());
    guard.on('leak', () => {
      throw new Error('broken listener');
    });
    guard.on('leak', () => heard.push('second'));
    guard.once('leak', () => heard.push('once'));
    guard.on('released', () => {
      // What is thrown need not be an error.
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw 'nothing';
    });
    const server = net.createServer(() => {});
    const port = await stage.listen(server);
    await stage.visit(port, 'hello');
    await until('the leak', () => heard.length > 0);
    expect(heard).toEqual(['second', 'once', 'onLeak close-wait']);
    expect(guard.stats().errors.callback).toBe(2);
    await stage.visit(port, 'again');
    await until('the second leak', () => guard.leaks().length === 2);
    expect(heard).toEqual(['second', 'once', 'onLeak close-wait', 'second', 'onLeak close-wait']);
    await until('the warning', () => warnings.length > 0);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ name: 'CloseWaitGuardWarning', code: 'CWG_WARN_CALLBACK' });
    expect(warnings[0]?.message).toContain('a callback given to the guard threw');
  });

  it('may close the guard: it hears nothing more, and the next guard finds what was left', async () => {
    const port = await stage.listen(net.createServer(() => {}));
    await stage.visit(port, 'one');
    await stage.visit(port, 'two');
    const heard: LeakReport[] = [];
    const guard = createGuard({ ...QUICK, sampleInterval: 0 });
    guard.on('leak', (leak) => {
      heard.push(leak);
      guard.close();
    });
    await until('the first leak', () => {
      guard.leaks();
      return heard.length > 0;
    });
    expect(heard).toHaveLength(1);
    expect(guard.leaks()).toEqual([]);

    const next = createGuard({ ...QUICK, sampleInterval: 0 });
    stage.defer(() => next.close());
    await until('both leaks', () => next.leaks().filter(({ localPort }) => localPort === port).length === 2);
  });

  it('may ask the guard itself', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const asked: number[] = [];
    guard.on('leak', () => asked.push(guard.leaks().length, guard.sockets().length));
    const port = await stage.listen(net.createServer(() => {}));
    await stage.visit(port, 'hello');
    await until('the leak', () => asked.length > 0);
    expect(asked).toEqual([1, 1]);
    expect(guard.stats().errors).toMatchObject({ sample: 0, callback: 0 });
  });
});

describe('a guard that is closed', () => {
  it('finds nothing, watches nothing, and may be closed again', () => {
    const guard = createGuard();
    guard.close();
    guard.close();
    guard[Symbol.dispose]();
    expect(guard.leaks()).toEqual([]);
    expect(guard.sockets()).toEqual([]);
    expect(guard.stats()).toMatchObject({ watched: 0, pending: 0, leaks: [], halfClosed: [], listeners: [] });
    expect(() => guard.watch(net.createServer())).toThrow(
      expect.objectContaining({
        code: 'CWG_ERR_CLOSED',
        message: 'close-wait-guard: watch() was called on a guard that is closed',
      }),
    );
  });
});

describe('maxReported', () => {
  const stage = stageOfEachTest();

  it('keeps a flood of leaks from being a flood of reports, and they follow when there is room', async () => {
    const guard = createGuard({ ...QUICK, maxReported: 2 });
    stage.defer(() => guard.close());
    const { leaks, sockets } = follow(guard);
    const port = await stage.listen(net.createServer(() => {}));
    for (let i = 0; i < 5; i++) await stage.visit(port, 'hello');
    await until('three to be withheld', () => guard.stats().unreported === 3);
    expect(leaks).toHaveLength(2);
    expect(guard.leaks()).toHaveLength(2);
    expect(guard.sockets()).toHaveLength(5);

    for (const expected of [4, 5]) {
      for (const socket of sockets.values()) socket?.destroy();
      await until(`${expected} reports in all`, () => leaks.length === expected);
    }
    expect(new Set(leaks.map(({ id }) => id)).size).toBe(5);
    expect(guard.stats()).toMatchObject({ unreported: 0, leaks: [{ total: 5 }] });
  });
});

describe('a route that cannot be looked up', () => {
  const stage = stageOfEachTest();

  it('costs a report its pattern and nothing else, and is counted', async () => {
    const guard = guardOn(stage, QUICK);
    const seen = follow(guard);
    const server = http.createServer(() => {});
    const lookUp = (): never => {
      throw new Error('another version of Fastify prints another tree');
    };
    internalsOf(guard).watch(server, {}, { findRoute: lookUp });
    const port = await stage.listen(server);
    await leakOnce(stage, port);
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ method: 'POST', route: '/items/:n', cause: 'request-body-not-read' });
    expectKernelAgrees(leak);
    expect(guard.stats().errors.sample).toBeGreaterThan(0);
  });
});
