import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import closeWaitGuard, { type CloseWaitGuardPluginOptions } from '../../src/index.js';
import { listenApp } from '../support/fastify-app.js';
import { addLeakyRoute, leakOnce, leakyApp, LineLog } from '../support/leaky-app.js';
import { ask, askForData } from '../support/page.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';

const stage = stageOfEachTest();
const QUICK = { closeWaitTimeout: 300, sampleInterval: 50 };

async function appWith(options: CloseWaitGuardPluginOptions, app = leakyApp()): Promise<FastifyInstance> {
  stage.defer(() => app.close());
  await app.register(closeWaitGuard, options);
  return app;
}

describe('inspectorRoute', () => {
  it.each([undefined, false] as const)('%s: there is no page', async (inspectorRoute) => {
    const app = await appWith({ inspectorRoute });
    expect((await app.inject('/debug/sockets')).statusCode).toBe(404);
  });

  it('shows a leaked route by its pattern, with the fix in the words of Fastify', async () => {
    const app = await appWith({ ...QUICK, inspectorRoute: '/debug/sockets' });
    addLeakyRoute(app);
    const port = await listenApp(stage, app);
    await leakOnce(stage, port);
    const data = await until(
      'the leak',
      async () => {
        const now = await askForData(port);
        return now.totals.open === 1 ? now : undefined;
      },
      { everyMs: 100 },
    );
    const [group] = data.groups;
    expect(group).toMatchObject({
      count: 1,
      oldest: { leak: { method: 'POST', route: '/items/:id', path: '/items/7', framework: 'fastify' } },
      test: expect.stringContaining(`hangUp(app, { method: 'POST', path: '/items/7' }, { at: 'request' })`),
    });
    const { status, headers, body } = await ask(port, { headers: { accept: 'text/html' } });
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html; charset=utf-8' });
    expect(body).toMatch(/^<!doctype html>/);
    expect((await ask(port, { method: 'HEAD', headers: { accept: 'text/html' } })).headers['content-type']).toBe(
      headers['content-type'],
    );
  });

  it('at the top of the application, beside the metrics', async () => {
    const app = await appWith({ inspectorRoute: '/sockets' });
    expect((await app.inject('/sockets')).json()).toMatchObject({ totals: { open: 0 } });
    expect((await app.inject('/metrics')).body).toContain('close_wait');
  });

  it.each(['before', 'after'])('is left to an application that has its own, declared %s the plugin', async (when) => {
    const app = leakyApp();
    const own = (): unknown => app.get('/debug/sockets', async () => 'my own');
    if (when === 'before') own();
    await appWith({ inspectorRoute: '/debug/sockets' }, app);
    if (when === 'after') own();
    app.get('/debug/*', async () => 'wild');
    expect((await app.inject('/debug/sockets')).body).toBe('my own');
    expect((await app.inject('/debug/other')).body).toBe('wild');
  });

  it('believes no X-Forwarded-For, also with trustProxy', async () => {
    const app = await appWith({ inspectorRoute: '/debug/sockets' }, Fastify({ trustProxy: true }));
    const from = (remoteAddress: string, headers = {}) => app.inject({ url: '/debug/sockets', remoteAddress, headers });
    expect((await from('10.0.0.9', { 'x-forwarded-for': '127.0.0.1' })).statusCode).toBe(403);
    expect((await from('10.0.0.9')).statusCode).toBe(403);
    expect((await from('127.0.0.1', { host: 'localhost' })).statusCode).toBe(200);
  });

  it('has the hooks of the application, as other routes have', async () => {
    const app = leakyApp();
    app.addHook('onRequest', async (_request, reply) => reply.code(401).send('who are you?'));
    await appWith({ inspectorRoute: '/debug/sockets' }, app);
    expect((await app.inject('/debug/sockets')).statusCode).toBe(401);
  });

  it.each([
    [
      '',
      /option inspectorRoute is ""; it takes a path that starts with '\/' and does not end with one, or false, or an object/,
    ],
    ['debug', /option inspectorRoute is "debug"/],
    ['/debug/', /option inspectorRoute is "\/debug\/"/],
    [true, /option inspectorRoute is true/],
    [['/debug'], /option inspectorRoute is \[array of 1\]/],
    [{}, /option inspectorRoute.path is undefined/],
    [{ path: 'x' }, /option inspectorRoute.path is "x"/],
    [{ path: '/x', authorise: () => true }, /no option "inspectorRoute.authorise".*did you mean authorize/],
    [{ path: '/x', authorize: 'me' }, /option inspectorRoute.authorize is "me"; it takes a function/],
    ['/metrics', /option inspectorRoute is "\/metrics"; it takes another path than metricsRoute/],
  ])('%j is an error that names it', async (inspectorRoute, message) => {
    const app = Fastify();
    await expect(appWith({ inspectorRoute } as never, app as never)).rejects.toThrow(message);
  });
});

describe('authorize of inspectorRoute', () => {
  it('gets the request of Fastify', async () => {
    const authorize = (request: FastifyRequest): boolean => (request.query as { token?: string }).token === 'open';
    const app = await appWith({ inspectorRoute: { path: '/debug/sockets', authorize } });
    const from = { remoteAddress: '10.0.0.9', headers: { host: 'shop.test' } };
    expect((await app.inject({ ...from, url: '/debug/sockets?token=open' })).statusCode).toBe(200);
    expect((await app.inject({ ...from, url: '/debug/sockets' })).statusCode).toBe(403);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no\ndatabase');
      },
    ],
    ['is rejected', () => Promise.reject(new Error('no\ndatabase'))],
  ])('that %s: 403, and one line of the log however often', async (_what, authorize) => {
    const log = new LineLog();
    const app = leakyApp({ logger: { stream: log, level: 'warn' } });
    await appWith({ metrics: false, inspectorRoute: { path: '/debug/sockets', authorize } }, app);
    for (let i = 0; i < 3; i++) {
      const { statusCode, body } = await app.inject('/debug/sockets?<script>');
      expect({ statusCode, leaked: body.includes('database') }).toEqual({ statusCode: 403, leaked: false });
    }
    expect(log.lines.map(({ level, msg, err }) => [level, msg, err.message])).toEqual([
      [50, expect.stringContaining('authorize of inspectorRoute failed'), 'no\ndatabase'],
    ]);
    expect(app.closeWaitGuard.stats().errors.callback).toBe(3);
  });

  it('that says no writes nothing: who asks often must not fill the log', async () => {
    const log = new LineLog();
    const app = leakyApp({ logger: { stream: log, level: 'warn' } });
    await appWith({ metrics: false, inspectorRoute: { path: '/debug/sockets', authorize: () => false } }, app);
    for (let i = 0; i < 3; i++) expect((await app.inject('/debug/sockets')).statusCode).toBe(403);
    expect(log.lines).toEqual([]);
  });
});
