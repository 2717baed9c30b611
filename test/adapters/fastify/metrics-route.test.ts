import Fastify, { type FastifyInstance } from 'fastify';
import { Registry, type OpenMetricsContentType } from 'prom-client';
import { describe, expect, it } from 'vitest';
import closeWaitGuard from '../../../src/index.js';
import { stageOfEachTest } from '../../support/stage.js';

const OURS = 'close_wait_leaked_sockets';

describe('the metrics route', () => {
  const stage = stageOfEachTest();

  function newApp(): FastifyInstance {
    const app = Fastify();
    stage.defer(() => app.close());
    return app;
  }

  it.each(['before', 'after'])('is left to an application that has its own, declared %s the plugin', async (when) => {
    const app = newApp();
    if (when === 'before') app.get('/metrics', async () => 'my own');
    await app.register(closeWaitGuard);
    if (when === 'after') app.get('/metrics', async () => 'my own');
    expect((await app.inject('/metrics')).body).toBe('my own');
  });

  it('is left to a plugin of the application, too', async () => {
    const app = newApp();
    app.register(closeWaitGuard);
    app.register(async (child) => child.get('/metrics', async () => 'of a child'));
    expect((await app.inject('/metrics')).body).toBe('of a child');
  });

  it('does not keep the application from its own answer to what is not there', async () => {
    const app = newApp();
    await app.register(closeWaitGuard);
    app.setNotFoundHandler(async (_request, reply) => reply.code(404).send('nothing here'));
    expect((await app.inject('/metrics')).body).toContain(OURS);
    expect((await app.inject('/other')).body).toBe('nothing here');
  });

  describe.each(['before', 'after'])('with a wildcard route declared %s the plugin', (when) => {
    const wildcards: [string, (app: FastifyInstance) => void][] = [
      [`GET *`, (app) => app.get('*', async () => 'wild')],
      [`GET /*`, (app) => app.get('/*', async () => 'wild')],
      [`GET /:page`, (app) => app.get('/:page', async () => 'wild')],
      [`all('*')`, (app) => app.all('*', async () => 'wild')],
    ];

    async function appWith(...declarations: ((app: FastifyInstance) => void)[]): Promise<FastifyInstance> {
      const app = newApp();
      if (when === 'before') for (const declare of declarations) declare(app);
      await app.register(closeWaitGuard);
      if (when === 'after') for (const declare of declarations) declare(app);
      return app;
    }

    it.each(wildcards)('%s leaves it ours, GET and HEAD', async (_route, declare) => {
      const app = await appWith(declare);
      const page = await app.inject('/metrics?format=text');
      expect(page.body).toContain(OURS);
      const head = await app.inject({ method: 'HEAD', url: '/metrics' });
      expect(head.statusCode).toBe(200);
      expect(head.headers['content-type']).toBe(page.headers['content-type']);
      expect(head.headers['content-type']).toMatch(/^text\/plain; version=/);
      expect(head.body).toBe('');
      expect((await app.inject('/metric')).body).toBe('wild');
    });

    it.each(wildcards)(
      '%s and an exact route of the application: that one answers, GET and HEAD',
      async (_route, declare) => {
        const app = await appWith(declare, (it) => {
          it.get('/metrics', async (_request, reply) => reply.header('x-by', 'the application').send('my own'));
        });
        expect((await app.inject('/metrics')).body).toBe('my own');
        const head = await app.inject({ method: 'HEAD', url: '/metrics' });
        expect(head.headers['x-by']).toBe('the application');
        expect(head.headers['content-length']).toBe('6');
      },
    );

    it('leaves other methods to the wildcard', async () => {
      const app = await appWith((it) => it.all('*', async () => 'wild'));
      expect((await app.inject({ method: 'POST', url: '/metrics' })).body).toBe('wild');
    });
  });

  it('is not there with metrics: false', async () => {
    const app = newApp();
    await app.register(closeWaitGuard, { metrics: false });
    expect((await app.inject('/metrics')).statusCode).toBe(404);
  });

  it('is not there with metricsRoute: false, and the metrics are collected all the same', async () => {
    const app = newApp();
    const register = new Registry();
    await app.register(closeWaitGuard, { metricsRoute: false, metrics: { register } });
    expect((await app.inject('/metrics')).statusCode).toBe(404);
    expect(await register.metrics()).toContain(OURS);
  });

  it('may be another one', async () => {
    const app = newApp();
    await app.register(closeWaitGuard, { metricsRoute: '/internal/metrics' });
    expect((await app.inject('/metrics')).statusCode).toBe(404);
    expect((await app.inject('/internal/metrics')).body).toContain(OURS);
  });

  it.each(['/a.b(c)', '/odd:colon/me+rics'])('may have characters of patterns in it: %s', async (metricsRoute) => {
    const app = newApp();
    await app.register(closeWaitGuard, { metricsRoute });
    expect((await app.inject(metricsRoute)).body).toContain(OURS);
    expect((await app.inject(metricsRoute.replace(/[.+]/, 'e'))).statusCode).toBe(404);
  });

  it('answers in the format of the registry it was given', async () => {
    const app = newApp();
    const register = new Registry<OpenMetricsContentType>();
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    await app.register(closeWaitGuard, { metrics: { register, prefix: 'shop_', labels: { shop: 'north' } } });
    const response = await app.inject('/metrics');
    expect(response.headers['content-type']).toBe(Registry.OPENMETRICS_CONTENT_TYPE);
    expect(response.body).toMatch(/# EOF\n$/);
    expect(response.body).toContain(`shop_${OURS}{kind="reset",shop="north"} 0`);
  });

  it('shows what else is in the registry', async () => {
    const app = newApp();
    const register = new Registry();
    register.setDefaultLabels({ shop: 'north' });
    await app.register(closeWaitGuard, { metrics: { register } });
    expect((await app.inject('/metrics')).body).toContain('close_wait_oldest_seconds{shop="north"} 0');
  });

  it('survives a registry that fails, as an error of that request', async () => {
    const app = newApp();
    const register = new Registry();
    await app.register(closeWaitGuard, { metrics: { register } });
    register.metrics = async () => {
      throw new Error('the registry is broken');
    };
    const response = await app.inject('/metrics');
    expect(response.statusCode).toBe(500);
    expect(response.json()).toMatchObject({ message: 'the registry is broken' });
  });
});

describe('a wrong option', () => {
  it.each<[Record<string, unknown>, string]>([
    [
      { metricsRoute: 'metrics' },
      `option metricsRoute is "metrics"; it takes a path that starts with '/' and does not end with one, or false`,
    ],
    [
      { metricsRoute: '/' },
      `option metricsRoute is "/"; it takes a path that starts with '/' and does not end with one, or false`,
    ],
    [
      { metricsRoute: true },
      `option metricsRoute is true; it takes a path that starts with '/' and does not end with one, or false`,
    ],
    [{ metrics: true }, 'option metrics is true; it takes false or an object { register, prefix, labels }'],
    [{ metrics: null }, 'option metrics is null; it takes false or an object { register, prefix, labels }'],
    [
      { metrics: { register: {} } },
      'option register is [Object]; it takes a registry of prom-client or @prometheus-io/client',
    ],
    [{ metrics: { registry: 1 } }, 'there is no option "registry"; the options are register, prefix, labels'],
    [
      { closeWaitTimeout: 0 },
      'option closeWaitTimeout is 0; it takes a whole number of milliseconds from 1 to 86400000',
    ],
    [{ closeWaitTimout: 1 }, 'there is no option "closeWaitTimout"; the options are '],
  ])('%o fails the start and leaves nothing behind', async (options, message) => {
    const register = new Registry();
    const app = Fastify();
    app.register(closeWaitGuard, options as never);
    await expect(app.ready()).rejects.toMatchObject({
      code: 'CWG_ERR_OPTION',
      message: expect.stringContaining(`close-wait-guard: ${message}`),
    });
    expect(register.getMetricsAsArray()).toEqual([]);
    await app.close();
  });
});
