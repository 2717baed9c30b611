import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { GuardError } from '../../../src/base/errors.js';
import { createGuard, type Guard } from '../../../src/guard/guard.js';
import { QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const listener = (): void => {};

function guardError(message: string | RegExp): object {
  return expect.objectContaining({
    code: 'CWG_ERR_ARGUMENT',
    message: expect.stringMatching(message) as string,
  }) as object;
}

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('what a guard does not have is an error', () => {
  const stage = stageOfEachTest();
  const guardOf = (): Guard => {
    const guard = createGuard({ sampleInterval: 0 });
    stage.defer(() => guard.close());
    return guard;
  };

  it.each([
    ['api', '"api"'],
    [null, 'null'],
    [['api'], '[array of 1]'],
    [80, '80'],
  ])('watch(server, %j)', (options, shown) => {
    const error = thrown(() => guardOf().watch(http.createServer(), options as never));
    expect(error).toBeInstanceOf(GuardError);
    expect(error).toMatchObject({
      code: 'CWG_ERR_ARGUMENT',
      message: `close-wait-guard: the second argument of watch() is ${shown}; it takes an object { name, routeOf, closeWaitTimeout }`,
    });
  });

  it('an option of watch() that there is not', () => {
    const error = thrown(() => guardOf().watch(http.createServer(), { nmae: 'api' } as never));
    expect(error).toEqual(
      guardError(/an option given to watch\(\) is "nmae"; it takes an object \{ name, routeOf, closeWaitTimeout \}$/),
    );
  });

  it.each(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const)('%s("leaks")', (method) => {
    const guard = guardOf();
    expect(thrown(() => guard[method]('leaks' as 'leak', listener))).toEqual(
      guardError(/the event given to on\(\) is "leaks"; it takes leak, released, reclaimed$/),
    );
    expect(guard.eventNames()).toEqual([]);
  });

  it('events.once() rejects', async () => {
    await expect(once(guardOf(), 'leeks')).rejects.toEqual(guardError(/"leeks"/));
  });

  it.each(['leak', 'released', 'reclaimed', 'newListener', 'removeListener', 'error', Symbol('of somebody')])(
    'not so %s',
    (event) => {
      const guard = guardOf();
      for (const method of ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const) {
        expect(guard[method](event as 'leak', listener)).toBe(guard);
      }
      expect(guard.listenerCount(event as 'leak')).toBeGreaterThan(2);
    },
  );
});

describe('redact', () => {
  const stage = stageOfEachTest();

  it('keeps addresses out of what leaves the guard, and out of nothing it reckons with', async () => {
    const told: unknown[] = [];
    const guard = createGuard({ ...QUICK, redact: true, onLeak: (leak) => told.push(leak) });
    stage.defer(() => guard.close());
    guard.on('leak', (leak) => told.push(leak)).on('released', (leak) => told.push(leak));
    const sockets: net.Socket[] = [];
    const port = await stage.listen(net.createServer((socket) => sockets.push(socket)));
    await stage.visit(port, 'hello');
    await until('the leak', () => told.length === 2);
    told.push(guard.leaks(), guard.sockets());
    expect(guard.stats().portCollisionRatio).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    await until('its release', () => told.length === 5);
    expect(JSON.stringify(told)).not.toMatch(/127\.0\.0\.1|Address|Port"/);
    expect(JSON.stringify(told).match(/from \[redacted\]/g)).toHaveLength(5);
    expect(told[0]).toMatchObject({ server: `net:${port}` });
  });
});
