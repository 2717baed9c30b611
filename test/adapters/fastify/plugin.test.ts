import { register as globalRegister } from 'prom-client';
import { describe, expect, it } from 'vitest';
import closeWaitGuard from '../../../src/index.js';
import { listenApp } from '../../support/fastify-app.js';
import { expectKernelAgrees, QUICK } from '../../support/reports.js';
import { post, stageOfEachTest } from '../../support/stage.js';
import { addLeakyRoute, leakOnce, leakyApp, LineLog } from '../../support/leaky-app.js';
import { UPLOAD_BYTES } from '../../support/upload.js';
import { valueOf } from '../../support/metrics-page.js';
import { until } from '../../support/until.js';

describe('registered without options, the plugin', () => {
  const stage = stageOfEachTest();

  it('decorates the server, answers /metrics, and is gone after close()', async () => {
    const app = leakyApp();
    await app.register(closeWaitGuard);
    const port = await listenApp(stage, app);
    expect(app.closeWaitGuard.supported).toBe(true);
    expect(app.closeWaitGuard.leaks()).toEqual([]);

    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(globalRegister.contentType);
    const page = await response.text();
    expect(valueOf(page, 'close_wait_leaked_sockets')).toBe(0);
    expect(valueOf(page, 'close_wait_sockets', { server: `http:${port}` })).toBe(0);

    await app.close();
    expect(globalRegister.getMetricsAsArray()).toEqual([]);
    expect(() => app.closeWaitGuard.watch(app.server)).toThrow(expect.objectContaining({ code: 'CWG_ERR_CLOSED' }));
  });

  it('works with inject(), and answers HEAD and a query', async () => {
    const app = leakyApp();
    stage.defer(() => app.close());
    await app.register(closeWaitGuard);
    app.get('/', async () => 'hello');
    expect((await app.inject('/')).body).toBe('hello');
    expect((await app.inject('/metrics?x=1')).body).toContain('close_wait_leaked_sockets');
    const head = await app.inject({ method: 'HEAD', url: '/metrics' });
    expect(head.statusCode).toBe(200);
    expect(head.headers['content-type']).toBe(globalRegister.contentType);
    expect((await app.inject('/metrics/more')).statusCode).toBe(404);
    expect((await app.inject({ method: 'POST', url: '/metrics' })).statusCode).toBe(404);
  });
});

describe('a leak in a Fastify application', () => {
  const stage = stageOfEachTest();

  it('is logged once at warn and its release once at info, each in one line, and is on the page', async () => {
    const log = new LineLog();
    const app = leakyApp({ logger: { stream: log } });
    await app.register(closeWaitGuard, QUICK);
    addLeakyRoute(app);
    const port = await listenApp(stage, app);
    await leakOnce(stage, port);

    const about = (level: number): any[] => log.lines.filter((line) => line.leak !== undefined && line.level === level);
    const line = await until('the warning', () => about(40)[0]);
    expect(line.leak).toMatchObject({
      kind: 'close-wait',
      cause: 'request-body-not-read',
      side: 'inbound',
      server: `http:${port}`,
      method: 'POST',
      route: '/items/:id',
      localPort: port,
    });
    expect(line.leak.unreadKernelBytes + line.leak.unreadStreamBytes).toBe(UPLOAD_BYTES);
    expect(line.msg).toBe(`Leaked socket: ${line.leak.explanation} Fix: ${line.leak.fix}`);
    expect(JSON.stringify(line)).not.toContain('secret');
    expectKernelAgrees(line.leak);

    const page = (await app.inject('/metrics')).body;
    const labels = { kind: 'close-wait', cause: 'request-body-not-read', side: 'inbound', route: '/items/:id' };
    expect(valueOf(page, 'close_wait_leaked_sockets', labels)).toBe(1);
    expect(valueOf(page, 'close_wait_leaks_total', labels)).toBe(1);
    expect(valueOf(page, 'close_wait_sockets', { side: 'inbound', server: `http:${port}` })).toBe(1);

    app.server.closeAllConnections();
    const released = await until('the release', () => about(30)[0]);
    expect(released.leak).toMatchObject({ id: line.leak.id, route: '/items/:id' });
    expect(released.msg).toMatch(/^Leaked socket was closed: POST \/items\/:id/);
    expect(log.lines.filter(({ leak }) => leak !== undefined)).toHaveLength(2);
  });

  it('is one line with those that are equal to it: the first at once, the others in the one of the minute, at the latest at close()', async () => {
    const log = new LineLog();
    const app = leakyApp({ logger: { stream: log } });
    await app.register(closeWaitGuard, { ...QUICK, metrics: false });
    addLeakyRoute(app);
    app.post('/orders', () => new Promise(() => {}));
    const port = await listenApp(stage, app);
    const told: string[] = [];
    app.closeWaitGuard.on('leak', ({ route }) => told.push(route!));
    for (let i = 0; i < 5; i++) await leakOnce(stage, port, `/items/${i}`);
    await leakOnce(stage, port, '/orders');
    await until('six leaks', () => told.length === 6);
    const lines = (): any[] => log.lines.filter(({ leak }) => leak !== undefined);
    expect(
      lines()
        .map(({ leak }) => leak.route)
        .sort(),
    ).toEqual(['/items/:id', '/orders']);
    expect(lines().map(({ more, level, leak }) => [more, level, leak.count])).toEqual(
      Array(2).fill([undefined, 40, 1]),
    );

    const closing = app.close();
    app.server.closeAllConnections();
    await closing;
    expect(lines().slice(2)).toMatchObject([
      { level: 40, more: 4, leak: { route: '/items/:id', count: 5, fingerprint: expect.any(String) } },
    ]);
    expect(lines()[2].msg).toMatch(
      /^Leaked socket: 4 more of the same \(5 open now\); the last one: POST \/items\/:id /,
    );
  });

  it('has the route of the last request on its connection', async () => {
    const app = leakyApp();
    await app.register(closeWaitGuard, { ...QUICK, metrics: false });
    app.get('/health', async () => 'ok');
    addLeakyRoute(app);
    const port = await listenApp(stage, app);
    const client = await stage.connect(port);
    client.say('GET /health HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await until('the first answer', () => client.text.endsWith('ok'));
    client.say(post('/items/9', UPLOAD_BYTES));
    await client.close();
    const leak = await until('the leak', () => app.closeWaitGuard.leaks()[0]);
    expect(leak).toMatchObject({ method: 'POST', route: '/items/:id' });
  });

  it('is reported for each request of a route, under one label', async () => {
    const app = leakyApp();
    await app.register(closeWaitGuard, QUICK);
    addLeakyRoute(app);
    const port = await listenApp(stage, app);
    await Promise.all([1, 2, 3].map((id) => leakOnce(stage, port, `/items/${id}`)));
    await until('three leaks', () => app.closeWaitGuard.leaks().length === 3);
    const page = (await app.inject('/metrics')).body;
    expect(valueOf(page, 'close_wait_leaked_sockets', { route: '/items/:id' })).toBe(3);
    expect(page.match(/^close_wait_leaked_sockets\{.*items/gm)).toHaveLength(1);
  });
});
