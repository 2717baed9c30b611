import Fastify, { type FastifyInstance } from 'fastify';
import { channel } from 'node:diagnostics_channel';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import closeWaitGuard from '../../../src/index.js';
import { listenApp } from '../../support/fastify-app.js';
import { openFds } from '../../support/kernel-view.js';
import { QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { addLeakyRoute, leakOnce, leakyApp } from '../../support/leaky-app.js';
import { valueOf } from '../../support/metrics-page.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

const route = { route: '/items/:id' };

function eventPolls(): number {
  return [...openFds().values()].filter((link) => link === 'anon_inode:[eventpoll]').length;
}

describe('registered more than once', () => {
  const stage = stageOfEachTest();

  it('in the root is once', async () => {
    const register = new Registry();
    const app = leakyApp();
    await app.register(closeWaitGuard, { ...QUICK, metrics: { register } });
    const { closeWaitGuard: guard } = app;
    await app.register(closeWaitGuard);
    expect(app.closeWaitGuard).toBe(guard);
    addLeakyRoute(app);
    const port = await listenApp(stage, app);
    await leakOnce(stage, port);
    await until('the leak', () => guard.leaks().length === 1);
    expect(valueOf(await register.metrics(), 'close_wait_leaks_total', route)).toBe(1);
  });

  it('with options of its own is an error that says which', async () => {
    const app = Fastify();
    app.register(closeWaitGuard, { metrics: false });
    app.register(closeWaitGuard, { closeWaitTimeout: 5, sampleInterval: 10 });
    await expect(app.ready()).rejects.toMatchObject({
      code: 'CWG_ERR_ALREADY_REGISTERED',
      message: expect.stringContaining('(closeWaitTimeout, sampleInterval)'),
    });
    await app.close();
  });

  it('in the root and in a context shares the guard', async () => {
    const app = Fastify();
    stage.defer(() => app.close());
    await app.register(closeWaitGuard, { metrics: false });
    let inside: FastifyInstance | undefined;
    await app.register(async (child) => {
      await child.register(closeWaitGuard);
      inside = child;
    });
    await app.ready();
    expect(inside?.closeWaitGuard).toBe(app.closeWaitGuard);
  });
});

describe('registered in an encapsulated context', () => {
  const stage = stageOfEachTest();

  it('guards the whole server, decorates that context, and answers its metrics route there', async () => {
    const app = leakyApp();
    addLeakyRoute(app);
    let inside: FastifyInstance | undefined;
    app.register(
      async (child) => {
        await child.register(closeWaitGuard, QUICK);
        inside = child;
        child.post('/items/:id', () => new Promise(() => {}));
      },
      { prefix: '/inner' },
    );
    const port = await listenApp(stage, app);
    expect(app.hasDecorator('closeWaitGuard')).toBe(false);
    const guard = inside!.closeWaitGuard;
    await leakOnce(stage, port, '/inner/items/1');
    await leakOnce(stage, port, '/items/1');
    await until('both leaks', () => guard.leaks().length === 2);
    // One sample may find both, in either order.
    const routes = guard.leaks().map(({ route }) => route);
    expect(routes.sort()).toEqual(['/inner/items/:id', '/items/:id']);
    expect((await app.inject('/metrics')).statusCode).toBe(404);
    expect(valueOf((await app.inject('/inner/metrics')).body, 'close_wait_leaked_sockets')).toBe(2);
  });

  it('and in its sibling is one guard', async () => {
    const register = new Registry();
    const app = leakyApp();
    const seen: FastifyInstance[] = [];
    for (const prefix of ['/a', '/b']) {
      app.register(
        async (child) => {
          await child.register(closeWaitGuard, prefix === '/a' ? { ...QUICK, metrics: { register } } : {});
          addLeakyRoute(child);
          seen.push(child);
        },
        { prefix },
      );
    }
    const port = await listenApp(stage, app);
    const guard = seen[0]!.closeWaitGuard;
    expect(seen[1]!.closeWaitGuard).toBe(guard);
    await leakOnce(stage, port, '/b/items/1');
    await until('the leak', () => guard.leaks().length === 1);
    expect(valueOf(await register.metrics(), 'close_wait_leaks_total', { route: '/b/items/:id' })).toBe(1);
    expect(valueOf(await register.metrics(), 'close_wait_leaks_found_total')).toBe(1);
  });
});

describe('two applications in one process with one registry', () => {
  const stage = stageOfEachTest();

  it('count each leak once, and each takes back its own', async () => {
    const register = new Registry();
    const before = eventPolls();
    const apps = [leakyApp(), leakyApp()] as const;
    const ports: number[] = [];
    for (const app of apps) {
      await app.register(closeWaitGuard, { ...QUICK, metrics: { register } });
      addLeakyRoute(app);
      ports.push(await listenApp(stage, app));
    }
    expect(eventPolls(), 'they share one watch').toBe(before + 1);
    await leakOnce(stage, ports[0]!);
    await leakOnce(stage, ports[1]!);
    const [first, second] = apps;
    await until('both leaks', () => [first, second].every((app) => app.closeWaitGuard.leaks().length > 0));

    expect(first.closeWaitGuard.leaks()).toMatchObject([{ localPort: ports[0], server: `http:${ports[0]}` }]);
    expect(second.closeWaitGuard.leaks()).toMatchObject([{ localPort: ports[1], server: `http:${ports[1]}` }]);
    const both = (await second.inject('/metrics')).body;
    expect(valueOf(both, 'close_wait_leaked_sockets')).toBe(2);
    expect(valueOf(both, 'close_wait_leaks_total', route)).toBe(2);
    for (const port of ports) expect(valueOf(both, 'close_wait_sockets', { server: `http:${port}` })).toBe(1);

    first.server.closeAllConnections();
    await first.close();
    const one = (await second.inject('/metrics')).body;
    expect(valueOf(one, 'close_wait_leaked_sockets')).toBe(1);
    expect(valueOf(one, 'close_wait_leaks_total', route), 'a counter does not fall').toBe(2);

    second.server.closeAllConnections();
    await second.close();
    expect(register.getMetricsAsArray()).toEqual([]);
    expect(eventPolls()).toBe(before);
    expect(channel('net.server.socket').hasSubscribers).toBe(false);
  });
});

describe('https and http2', () => {
  const stage = stageOfEachTest();

  it.each([
    ['https', { https: localhost }],
    ['http2', { http2: true }],
    ['http2', { http2: true, https: { ...localhost, allowHTTP1: true } }],
  ])('%s (%o) register, answer and close', async (protocol, options) => {
    const app = Fastify(options as object) as unknown as FastifyInstance;
    await app.register(closeWaitGuard, QUICK);
    app.get('/', async () => 'hello');
    await app.listen({ port: 0, host: '127.0.0.1' });
    stage.defer(() => app.close());
    expect((await app.inject('/')).body).toBe('hello');
    const page = (await app.inject('/metrics')).body;
    const { port } = app.server.address() as { port: number };
    expect(valueOf(page, 'tcp_accept_queue_sockets', { server: `${protocol}:${port}` })).toBe(0);
  });
});
