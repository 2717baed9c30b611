import http, { type IncomingMessage } from 'node:http';
import net, { type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { describe, expect, it } from 'vitest';
import closeWaitGuard, { createGuard, type LeakReport } from '../../../src/index.js';
import { listenApp } from '../../support/fastify-app.js';
import { guardOn } from '../../support/guarded-server.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { get, post, stageOfEachTest } from '../../support/stage.js';
import { leakyApp } from '../../support/leaky-app.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
const TRACING = { ...QUICK, traceRequests: true };
/** More than any of the clients buffers by itself, and less than fills a receive window. */
const ANSWER = 180 * 1024;

/** Keeps connections alive, but for /items, whose long answer it ends the connection with. */
async function inventory(): Promise<number> {
  const server = http.createServer((request, response) => {
    if (request.url === '/ping') return void response.end('pong');
    response.setHeader('connection', 'close');
    response.end(Buffer.alloc(ANSWER));
  });
  return stage.listen(server);
}

type Get = (url: string) => Promise<unknown>;
interface Way {
  /** Leaves the answer unread. */
  readonly leave: Get;
  /** Reads it, so that the connection goes back to the pool. */
  readonly read: Get;
}

const kept: unknown[] = [];

const WAYS: Readonly<Record<string, () => Way>> = {
  'http.get()': () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    stage.defer(() => agent.destroy());
    const get = (url: string): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => http.get(url, { agent }, resolve).on('error', reject));
    const read: Get = async (url) => {
      for await (const _ of await get(url));
      // The agent takes the socket back in the turn after the end.
      await nextTurn();
    };
    return { leave: async (url) => kept.push(await get(url)), read };
  },
  'undici.request()': () => {
    const dispatcher = new Agent({ connections: 1 });
    stage.defer(() => dispatcher.destroy());
    return {
      leave: async (url) => {
        const { body } = await request(url, { dispatcher });
        kept.push(body.on('error', () => {}));
      },
      read: async (url) => (await request(url, { dispatcher })).body.text(),
    };
  },
  'fetch()': () => ({
    leave: async (url) => kept.push(await fetch(url)),
    read: async (url) => (await fetch(url)).text(),
  }),
};

describe.each(Object.entries(WAYS))('the leak of a response to %s', (_name, makeWay) => {
  it.each([
    ['on a connection of its own', false],
    ['on a pooled connection that another request opened', true],
  ])('names the Fastify route that asked for it, %s', async (_how, pooled) => {
    const { leave, read } = makeWay();
    const upstream = await inventory();
    const app = leakyApp();
    await app.register(closeWaitGuard, { ...TRACING, metrics: false });
    app.post('/warm/:id', () => read(`http://127.0.0.1:${upstream}/ping`).then(() => 'warm'));
    app.post('/checkout/:id', async () => {
      // Some turns of the event loop and some promises away from where the request came in.
      await nextTurn();
      await leave(`http://127.0.0.1:${upstream}/items?key=secret`);
      return 'bought';
    });
    const port = await listenApp(stage, app);
    const seen = follow(app.closeWaitGuard);
    if (pooled) await app.inject({ method: 'POST', url: '/warm/1' });
    const client = await stage.connect(port);
    if (pooled) {
      client.say(post('/warm/2', 0));
      await until('the first answer', () => client.text.includes('warm'));
    }
    client.say(post('/checkout/7', 0));
    const leak = await until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === upstream));
    expect(leak).toMatchObject({
      side: 'outbound',
      cause: 'response-body-not-read',
      method: 'GET',
      requestedBy: 'POST /checkout/:id',
      destination: `http://127.0.0.1:${upstream}/items`,
    });
    expect(leak.explanation).toContain(`/items, asked for by POST /checkout/:id, was not read`);
    expectKernelAgrees(leak);
  });

  it('never mixes up two requests that are served at the same time', async () => {
    const ways = [makeWay(), makeWay()];
    const guard = createGuard(TRACING);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const upstreams = [await inventory(), await inventory()];
    let arrived = 0;
    let letGo = (): void => {};
    const both = new Promise<void>((resolve) => (letGo = resolve));
    const server = http.createServer((request, response) => {
      const which = request.url === '/left' ? 0 : 1;
      if (++arrived === 2) letGo();
      // Both go on from the same promise, in the same turn.
      void both
        .then(() => ways[which]!.leave(`http://127.0.0.1:${upstreams[which]}/items`))
        .then(() => response.end('done'));
    });
    const port = await stage.listen(server);
    for (const path of ['/left', '/right']) (await stage.connect(port)).say(post(path, 0));
    const [left, right] = await until('both leaks', () => {
      const leaks = upstreams.map((upstream) => seen.leaks.find(({ remotePort }) => remotePort === upstream));
      return leaks.every((leak) => leak) ? leaks : undefined;
    });
    expect([left?.requestedBy, right?.requestedBy]).toEqual(['POST /left', 'POST /right']);
  });
});

/** The leak of a connection to the inventory, opened by a server for one `request`. */
async function askedBy(start: (upstream: number) => Promise<number>, request: string): Promise<LeakReport> {
  const guard = guardOn(stage, TRACING);
  const seen = follow(guard);
  const upstream = await inventory();
  (await stage.connect(await start(upstream))).say(request);
  return until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === upstream));
}

const losesContext = Number.parseInt(process.versions.node, 10) < 24;
const LOSES_CONTEXT = 'before Node 24 the async context is lost between the request and its upgrade';

describe('the request that asked', () => {
  const { leave } = WAYS['http.get()']!();

  it('has the pattern of its application, also when another guard reports the leak', async () => {
    const leak = await askedBy(
      async (upstream) => {
        const app = leakyApp();
        // It has an answer for its own server only: an outbound connection is the older guard's to report.
        await app.register(closeWaitGuard, { ...QUICK, scope: 'watched', metrics: false });
        app.post('/checkout/:id', () => leave(`http://127.0.0.1:${upstream}/items`).then(() => 'bought'));
        return listenApp(stage, app);
      },
      post('/checkout/7?token=secret', 0),
    );
    expect(leak.requestedBy).toBe('POST /checkout/:id');
    expectKernelAgrees(leak);
  });

  it('may be one that no route answers: a hook asked', async () => {
    const leak = await askedBy(
      async (upstream) => {
        const app = leakyApp();
        await app.register(closeWaitGuard, { ...QUICK, scope: 'watched', metrics: false });
        app.addHook('onRequest', async () => {
          await leave(`http://127.0.0.1:${upstream}/items`);
        });
        return listenApp(stage, app);
      },
      post('/nowhere/7?token=secret', 0),
    );
    expect(leak.requestedBy).toBe('POST /nowhere/:n');
  });

  it('may be an upgrade', async (context) => {
    context.skip(losesContext, LOSES_CONTEXT);
    const leak = await askedBy(
      async (upstream) => {
        const server = http.createServer().on('upgrade', (_request, socket: Socket) => {
          void leave(`http://127.0.0.1:${upstream}/items`).then(() => socket.destroy());
        });
        return stage.listen(server);
      },
      get('/feed?token=secret', 'Connection: Upgrade\r\nUpgrade: feed\r\n'),
    );
    expect(leak.requestedBy).toBe('GET /feed');
  });

  it('may be a CONNECT, whose tunnel to the other end was left open', async (context) => {
    context.skip(losesContext, LOSES_CONTEXT);
    const leak = await askedBy(async (upstream) => {
      const server = http.createServer().on('connect', (_request, socket: Socket) => {
        const tunnel = net.connect(upstream, '127.0.0.1');
        stage.defer(() => tunnel.destroy());
        // The bug: nobody reads the tunnel.
        tunnel.write(get('/items'));
        socket.end('HTTP/1.1 200 OK\r\n\r\n');
      });
      return stage.listen(server);
    }, 'CONNECT inventory.test:80 HTTP/1.1\r\nHost: inventory.test:80\r\n\r\n');
    expect(leak.requestedBy).toBe('CONNECT inventory.test:80');
  });
});

describe('traceRequests', () => {
  it('off, names nobody', async () => {
    const upstream = await inventory();
    const guard = createGuard({ ...QUICK, traceRequests: false });
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const { leave } = WAYS['http.get()']!();
    const server = http.createServer((_request, response) => {
      void leave(`http://127.0.0.1:${upstream}/items`).then(() => response.end());
    });
    (await stage.connect(await stage.listen(server))).say(post('/checkout', 0));
    const leak = await until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === upstream));
    expect(leak).toMatchObject({ requestedBy: undefined, stack: undefined, cause: 'response-body-not-read' });
    expect(leak.explanation).not.toContain('asked for');
  });

  it('on, names nobody for a request that no inbound one asked for', async () => {
    const upstream = await inventory();
    const guard = createGuard(TRACING);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    await WAYS['http.get()']!().leave(`http://127.0.0.1:${upstream}/items`);
    const leak = await until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === upstream));
    expect(leak.requestedBy).toBeUndefined();
  });
});
