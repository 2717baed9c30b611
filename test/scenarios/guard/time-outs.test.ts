import http from 'node:http';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { followFastifyRoutes } from '../../../src/frameworks/fastify/channel.js';
import type { Guard, WatchOptions } from '../../../src/guard/guard.js';
import closeWaitGuard from '../../../src/index.js';
import { listenApp } from '../../support/fastify-app.js';
import { guardOn } from '../../support/guarded-server.js';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { leakyApp } from '../../support/leaky-app.js';
import { follow, QUICK, type Followed } from '../../support/reports.js';
import { post, stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';
import { warningsDuring } from '../../support/warnings.js';

const stage = stageOfEachTest();
const LONG = 86_400_000;
const pending = () => new Promise(() => {});
const own = (closeWaitTimeout: number) => ({ config: { closeWaitGuard: { closeWaitTimeout } } });

/** The leak that is expected comes after one that must not come: both clients leave, in this order. */
async function onlySecond(seen: Followed, port: number, patient: string, quick: string): Promise<void> {
  const first = await stage.visit(port, post(patient, UPLOAD_BYTES));
  await stage.visit(port, post(quick, UPLOAD_BYTES));
  const leak = await until('the leak', () => seen.leaks[0]);
  expect(leak.route).toBe(quick);
  expect(leak.idleMs).toBeGreaterThanOrEqual(QUICK.closeWaitTimeout);
  expect(seen.leaks).toHaveLength(1);
  expect(kernelRow(port, first.port)?.state).toBe(CLOSE_WAIT);
}

describe('closeWaitTimeout of a server', () => {
  async function watched(guard: Guard, closeWaitTimeout: WatchOptions['closeWaitTimeout']): Promise<number> {
    const server = http.createServer(() => {});
    guard.watch(server, { closeWaitTimeout });
    return stage.listen(server);
  }

  it('is longer than the guard’s', async () => {
    const guard = guardOn(stage, { ...QUICK, scope: 'watched' });
    const seen = follow(guard);
    const patient = await watched(guard, LONG);
    const quick = await watched(guard, undefined);
    await stage.visit(patient, post('/', UPLOAD_BYTES));
    await stage.visit(quick, post('/', UPLOAD_BYTES));
    await until('the leak', () => seen.leaks.length > 0);
    expect(seen.leaks.map(({ localPort }) => localPort)).toEqual([quick]);
  });

  it('is shorter than the guard’s', async () => {
    const guard = guardOn(stage, { closeWaitTimeout: LONG, sampleInterval: 50, scope: 'watched' });
    const seen = follow(guard);
    const patient = await watched(guard, undefined);
    const quick = await watched(guard, 300);
    await stage.visit(patient, post('/', UPLOAD_BYTES));
    await stage.visit(quick, post('/', UPLOAD_BYTES));
    const leak = await until('the leak', () => seen.leaks[0]);
    expect(leak.idleMs).toBeGreaterThanOrEqual(300);
    expect(seen.leaks.map(({ localPort }) => localPort)).toEqual([quick]);
    expect(guard.leaks().map(({ localPort }) => localPort)).toEqual([quick]);
  });

  it.each<[string, number, WatchOptions['closeWaitTimeout']]>([
    ['longer', 300, { '/patient/*': LONG }],
    ['shorter', LONG, { 'GET /quick': 1, '/patient/*': LONG, 'POST /qu*': 300, '*': LONG }],
  ])('for each route: %s', async (_name, closeWaitTimeout, routes) => {
    const guard = guardOn(stage, { closeWaitTimeout, sampleInterval: 50, scope: 'watched' });
    const seen = follow(guard);
    await onlySecond(seen, await watched(guard, routes), '/patient/7', '/quick');
  });

  it('is kept by reclaim', async () => {
    const guard = guardOn(stage, { closeWaitTimeout: LONG, sampleInterval: 50, scope: 'watched', reclaim: true });
    const reclaimed: (string | undefined)[] = [];
    guard.on('reclaimed', ({ route }) => reclaimed.push(route));
    const port = await watched(guard, { '/quick': 300 });
    const left = await stage.visit(port, post('/patient', UPLOAD_BYTES));
    await stage.visit(port, post('/quick', UPLOAD_BYTES));
    await until('it to be reclaimed', () => reclaimed.length > 0);
    expect(reclaimed).toEqual(['/quick']);
    expect(kernelRow(port, left.port)?.state).toBe(CLOSE_WAIT);
  });

  it('is of the request that is served last on the connection', async () => {
    const guard = guardOn(stage, { ...QUICK, scope: 'watched' });
    const seen = follow(guard);
    const server = http.createServer((request, response) => {
      if (request.url === '/patient') response.end('ok');
    });
    guard.watch(server, { closeWaitTimeout: { '/patient': LONG } });
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say(post('/patient', 1));
    await until('the response', () => client.text.endsWith('ok\r\n0\r\n\r\n') || client.text.endsWith('ok'));
    client.say(post('/quick', UPLOAD_BYTES));
    await client.close();
    expect((await until('the leak', () => seen.leaks[0])).route).toBe('/quick');
  });

  it.each<[unknown, string]>([
    [
      0,
      'the closeWaitTimeout given to watch() is 0; it takes a whole number of milliseconds from 1 to 86400000, or an object',
    ],
    ['5m', 'the closeWaitTimeout given to watch() is "5m"; it takes a whole number'],
    [{ '/a': '5m' }, 'the closeWaitTimeout given to watch() for /a is "5m"; it takes a whole number'],
    [{ a: 5 }, 'a route in the closeWaitTimeout given to watch() is "a"; it takes a route as reports have it'],
  ])('%j is refused', (closeWaitTimeout, message) => {
    const guard = guardOn(stage, QUICK);
    expect(() => guard.watch(net.createServer(), { closeWaitTimeout } as WatchOptions)).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });
});

describe('closeWaitTimeout of a route of Fastify', () => {
  it('is longer than the guard’s, also where the route was declared before the plugin', async () => {
    const app = leakyApp();
    app.post('/patient', own(LONG), pending);
    await app.register(closeWaitGuard, { ...QUICK, metrics: false });
    app.post('/quick', pending);
    const seen = follow(app.closeWaitGuard);
    await onlySecond(seen, await listenApp(stage, app), '/patient', '/quick');
  });

  it('is shorter than the guard’s', async () => {
    const app = leakyApp();
    await app.register(closeWaitGuard, { closeWaitTimeout: LONG, sampleInterval: 50, metrics: false });
    await app.register(async (child) => {
      child.post('/quick', own(300), pending);
      child.post('/patient', pending);
    });
    const seen = follow(app.closeWaitGuard);
    await onlySecond(seen, await listenApp(stage, app), '/patient', '/quick');
  });

  it('is heard of from Fastify itself where the plugin is not registered', async () => {
    stage.defer(followFastifyRoutes());
    const guard = guardOn(stage, { closeWaitTimeout: LONG, sampleInterval: 50 });
    const app = leakyApp();
    app.post('/quick', own(300), pending);
    app.post('/patient', own(LONG), pending);
    await onlySecond(follow(guard), await listenApp(stage, app), '/patient', '/quick');
  });

  it('that cannot be taken, of a route nobody checked when it was declared, is said once, and the guard’s is used', async () => {
    const warnings = warningsDuring(stage);
    const app = leakyApp();
    app.post('/odd', { config: { closeWaitGuard: { closeWaitTimeout: '5m' as never } } }, pending);
    await app.register(closeWaitGuard, { ...QUICK, metrics: false });
    app.post('/checked', own(LONG), pending);
    const seen = follow(app.closeWaitGuard);
    const port = await listenApp(stage, app);
    await stage.visit(port, post('/odd', UPLOAD_BYTES));
    await stage.visit(port, post('/odd', UPLOAD_BYTES));
    await until('the leaks', () => seen.leaks.length === 2);
    expect(seen.leaks.map(({ route }) => route)).toEqual(['/odd', '/odd']);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /closeWaitGuard\.closeWaitTimeout of a route is "5m"; it takes a whole number .*; that of the guard is used$/,
      ),
    ]);
  });

  it.each<[unknown, string]>([
    [
      { closeWaitTimeout: '5m' },
      'option config.closeWaitGuard of POST /items/:id: closeWaitTimeout is "5m"; it takes a whole number of',
    ],
    [{ closeWaitTimeout: 0 }, 'closeWaitTimeout is 0; it takes'],
    [
      { closeWaitTimout: 5 },
      'there is no option "config.closeWaitGuard of POST /items/:id: closeWaitTimout"; the options are reclaim, close',
    ],
    [{ reclaim: 'no' }, 'reclaim is "no"; it takes true or false'],
    [true, 'option config.closeWaitGuard of POST /items/:id is true; it takes an object { reclaim, closeWaitTimeout }'],
  ])('%j is an error where the route is declared', async (config, message) => {
    const app = leakyApp();
    stage.defer(() => app.close());
    await app.register(closeWaitGuard, { ...QUICK, metrics: false });
    expect(() => app.post('/items/:id', { config: { closeWaitGuard: config as never } }, pending)).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_OPTION', message: expect.stringContaining(message) }),
    );
  });
});
