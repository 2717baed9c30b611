import Fastify, { type FastifyInstance } from 'fastify';
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setInterval } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import closeWaitGuard from '../../../../src/index.js';
import { auditRoutes, findLeakedSockets, type AuditOptions, type AuditReport } from '../../../../src/testing.js';
import { Runs } from '../../../../src/testing/audit/runs.js';
import { CLOSE_WAIT, kernelRows } from '../../../support/kernel-view.js';
import { until } from '../../../support/until.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function shop(addRoutes: (app: FastifyInstance) => void, options = {}): FastifyInstance {
  const app = Fastify({ exposeHeadRoutes: false, ...options });
  ends.push(() => app.close());
  addRoutes(app);
  return app;
}

/** With how many connections were open at the same time. */
function counted(addRoutes: (app: FastifyInstance) => void) {
  const app = shop(addRoutes);
  const open = { now: 0, most: 0 };
  app.server.on('connection', (socket) => {
    open.most = Math.max(open.most, ++open.now);
    socket.on('close', () => open.now--);
  });
  return { app, open };
}

const answer = async () => 'ok';
/** One moment, so that a test need not wait for the others. */
const ANSWERED: AuditOptions = { moments: ['response'], deadlineMs: 1_000 };

const rowOf = (report: AuditReport, method: string, url: string) =>
  report.rows.find((row) => row.method === method && row.url === url);
const asked = (report: AuditReport) => report.rows.map(({ method, url }) => `${method} ${url}`);

describe('an application with the plugin', () => {
  it('is asked for its metrics like for the rest, and survives', async () => {
    const app = shop((app) => app.get('/items/:id', answer));
    await app.register(closeWaitGuard, { metrics: { register: new Registry() } });
    const report = await auditRoutes(app, ANSWERED);
    expect(report.rows.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(report).toMatchObject({ survived: true, leaks: [], notTried: [] });
  });
});

describe('the requests of an audit', () => {
  it('reach the handler with a body that the route takes', async () => {
    const bodies: [string, unknown][] = [];
    const app = shop((app) => {
      const keep = async ({ url, body }: { url: string; body: unknown }) => {
        bodies.push([url, body]);
        return 'ok';
      };
      app.post('/json', keep);
      app.post('/small', { bodyLimit: 1_000 }, keep);
      app.post(
        '/schema',
        { schema: { body: { type: 'object', required: ['n'], properties: { n: { const: 3 } } } } },
        keep,
      );
    });
    const report = await auditRoutes(app, ANSWERED);
    expect(report.rows.map(({ statusCode, advice }) => [statusCode, advice])).toEqual([
      [200, undefined],
      [200, undefined],
      [200, undefined],
    ]);
    expect(Object.fromEntries(bodies)).toEqual({ '/json': {}, '/small': {}, '/schema': { n: 3 } });
  });

  it('are at every moment those that the route takes, also where it is silent', async () => {
    const types: Record<string, string[]> = {};
    const app = shop((app) => {
      app.addContentTypeParser('application/octet-stream', (_request, _payload, done) =>
        done(Object.assign(new Error('no bytes'), { statusCode: 415 })),
      );
      app.post('/silent', { preValidation: () => new Promise<void>(() => {}) }, answer);
      app.server.on('request', ({ headers }: IncomingMessage) => {
        (types[String(headers['content-type'])] ??= []).push('asked');
      });
    });
    const report = await auditRoutes(app, { moments: ['request', 'response'], deadlineMs: 600 });
    expect(report.runs).toBe(3);
    expect(Object.fromEntries(Object.entries(types).map(([type, asked]) => [type, asked.length]))).toEqual({
      'application/octet-stream': 1,
      'application/json': 2,
    });
  });

  it('say which routes want an example, or to be let in', async () => {
    const app = shop((app) => {
      app.post('/picky', async (_request, reply) => reply.code(400).send());
      app.get('/private', async (_request, reply) => reply.code(401).send());
      app.get('/there/:id', async (_request, reply) => reply.code(404).send());
    });
    const report = await auditRoutes(app, ANSWERED);
    expect(report.rows.map(({ url, advice }) => [url, advice])).toEqual([
      ['/picky', 'answered 400: give it an example'],
      ['/private', 'answered 401: give it headers that let it in'],
      ['/there/:id', undefined],
    ]);
    expect(String(report)).toContain('POST /picky: answered 400: give it an example');
  });

  it('are what examples, headers and filter make them', async () => {
    const seen: Record<string, unknown> = {};
    const app = shop((app) => {
      app.addHook('onRequest', async (request) => {
        seen[request.url] = { key: request.headers['x-key'], who: request.headers['x-who'] };
      });
      app.get('/items/:id', answer);
      app.get('/search', answer);
      app.post('/shutdown', () => expect.unreachable('it was filtered'));
    });
    const report = await auditRoutes(app, {
      ...ANSWERED,
      headers: { 'x-key': 'k' },
      examples: { 'GET /items/:id': { params: { id: 'seven' } } },
      filter: ({ method, url }) =>
        url === '/search' ? { path: '/search?q=tea', headers: { 'x-who': 'me' } } : method !== 'POST',
    });
    expect(seen).toEqual({
      '/items/seven': { key: 'k', who: undefined },
      '/search?q=tea': { key: 'k', who: 'me' },
    });
    expect(report.notTried).toEqual([
      { method: 'POST', url: '/shutdown', at: undefined, reason: 'filter', explanation: 'left out by filter' },
    ]);
    expect(report.survived).toBe(true);
  });

  it('go to HEAD routes that Fastify made itself only when asked to', async () => {
    const app = shop((app) => app.get('/', answer), { exposeHeadRoutes: true });
    const without = await auditRoutes(app, ANSWERED);
    expect(asked(without)).toEqual(['GET /']);
    expect(without.notTried).toMatchObject([{ method: 'HEAD', url: '/', reason: 'generated' }]);
    expect(asked(await auditRoutes(app, { ...ANSWERED, headRoutes: true }))).toEqual(['GET /', 'HEAD /']);
  });
});

describe('a leak', () => {
  it('that only a stream makes is found although JSON is taken as well', async () => {
    const app = shop((app) => {
      app.addContentTypeParser('multipart/form-data', (_request, payload, done) => done(null, payload));
      app.post('/form', () => new Promise(() => {}));
    });
    const report = await auditRoutes(app, { moments: ['request'], deadlineMs: 1_000 });
    expect(report.leaks).toMatchObject([
      {
        method: 'POST',
        url: '/form',
        at: 'request',
        how: 'fin',
        leak: { cause: 'request-body-not-read', route: '/form' },
      },
    ]);
  });

  it('of a hook that never lets a JSON request pass is found', async () => {
    const body = { type: 'object', required: ['a'], properties: { a: { type: 'string' } } };
    const app = shop((app) =>
      app.post('/stuck', { schema: { body }, onRequest: () => new Promise<void>(() => {}) }, answer),
    );
    const report = await auditRoutes(app, { moments: ['request'], deadlineMs: 1_000 });
    expect(report.leaks).toMatchObject([{ url: '/stuck', leak: { cause: 'request-body-not-read' } }]);
  });

  it('is ended before the next one is looked for', async () => {
    const { app, open } = counted((app) => {
      for (const url of ['/a', '/b', '/c']) app.get(url, answer);
      app.server.on('upgrade', (_request, socket: Socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        socket.resume();
      });
    });
    const report = await auditRoutes(app, { moments: ['upgrade'], deadlineMs: 200, concurrency: 1 });
    expect(report.leaks.map(({ url, leak }) => [url, leak.cause])).toEqual(
      ['/a', '/b', '/c'].map((url) => [url, 'half-open-not-ended']),
    );
    expect(open.most).toBe(1);
  });

  describe('of a connection that a handler opened', () => {
    async function upstreamPort(): Promise<number> {
      const upstream = http.createServer((_request, response) => {
        response.writeHead(200, { connection: 'close' });
        response.end('x'.repeat(400_000));
      });
      upstream.listen(0, '127.0.0.1');
      await once(upstream, 'listening');
      ends.push(() => upstream.close());
      return (upstream.address() as AddressInfo).port;
    }
    const leaveUnread = (port: number) =>
      new Promise<IncomingMessage>((resolve) => http.get({ port, agent: false }, resolve));

    it('is charged to its route, also where an optional parameter makes two of it', async () => {
      const port = await upstreamPort();
      const app = shop((app) => app.get('/stock/:id?', async () => (await leaveUnread(port)).statusCode));
      const report = await auditRoutes(app, ANSWERED);
      expect(report.rows.map(({ url }) => url)).toEqual(['/stock', '/stock/:id']);
      expect(report.leaks).toMatchObject(
        [1, 2].map(() => ({
          method: 'GET',
          url: '/stock',
          at: undefined,
          how: undefined,
          leak: { side: 'outbound', cause: 'response-body-not-read', requestedBy: 'GET /stock/:id?' },
        })),
      );
    });

    it('is not charged to the audit when it was there before', async () => {
      const port = await upstreamPort();
      const response = await leaveUnread(port);
      ends.push(() => response.destroy());
      expect(await findLeakedSockets({ deadlineMs: 200 })).toHaveLength(1);
      const report = await auditRoutes(
        shop((app) => app.get('/', answer)),
        ANSWERED,
      );
      expect(report.leaks).toEqual([]);
      expect(response.socket.destroyed).toBe(false);
    });

    it("is nobody's when no request asked for it, and is left alone", async () => {
      const port = await upstreamPort();
      const jobs = new EventEmitter();
      const responses: Promise<IncomingMessage>[] = [];
      // A job of the application's own: it runs outside of the request that is served when it starts.
      const startJob = AsyncResource.bind(() => responses.push(leaveUnread(port)));
      jobs.on('start', startJob);
      const app = shop((app) =>
        app.get('/', async () => {
          jobs.emit('start');
          return (await responses[0])?.statusCode;
        }),
      );
      const report = await auditRoutes(app, ANSWERED);
      expect(report.leaks).toMatchObject([
        { method: '*', url: '*', leak: { side: 'outbound', requestedBy: undefined } },
      ]);
      const [response] = await Promise.all(responses);
      expect(response?.socket.destroyed).toBe(false);
      response?.destroy();
    });
  });
});

describe('the bounds of an audit', () => {
  const many = (app: FastifyInstance) => {
    for (let i = 0; i < 10; i++) app.get(`/route/${i}`, answer);
  };

  it('maxRuns: what is left out is named, and nothing has survived', async () => {
    const report = await auditRoutes(shop(many), { ...ANSWERED, maxRuns: 4 });
    expect(report.runs).toBe(4);
    expect(report.leaks).toEqual([]);
    expect(report.survived).toBe(false);
    expect(report.notTried.map(({ url, at, reason }) => [url, at, reason])).toEqual(
      [4, 5, 6, 7, 8, 9].map((i) => [`/route/${i}`, 'response', 'max-runs']),
    );
    expect(rowOf(report, 'GET', '/route/9')?.moments).toEqual({ response: 'not-tried' });
    expect(String(report)).toMatch(/not complete: 10 routes, 4 hang-ups/);
  });

  it('timeLimitMs: no run is begun once it is over', async () => {
    let now = 1_000;
    const runs = new Runs(
      async () => {
        now += 60;
        return { reached: true, closed: true, afterMs: 0 };
      },
      { concurrency: 1, maxRuns: 100, timeLimitMs: 100 },
      () => now,
    );
    const begin = () => runs.begin({ request: {}, at: 'response', how: 'fin' });
    expect(await begin()).toMatchObject({ reached: true });
    expect(await begin()).toMatchObject({ reached: true });
    expect(await begin()).toEqual({ refused: 'time-limit', explanation: 'timeLimitMs (100) was over' });
    expect(runs).toMatchObject({ count: 2, elapsedMs: 120 });
  });

  it('concurrency: no more connections at a time', async () => {
    const { app, open } = counted(many);
    await auditRoutes(app, { ...ANSWERED, concurrency: 1 });
    expect(open.most).toBe(1);
  });

  it('nothing to ask is nothing survived', async () => {
    const report = await auditRoutes(shop(many), { ...ANSWERED, filter: () => false });
    expect(report).toMatchObject({ survived: false, runs: 0, rows: [] });
    expect(String(report)).toMatch(/left out by filter \(10\): GET \/route\/0.*\n.*nothing was tried/s);
  });

  it('a moment that cannot come is not waited for', async () => {
    const app = shop((app) => app.get('/silent', () => new Promise(() => {})));
    const report = await auditRoutes(app, { deadlineMs: 100 });
    expect(rowOf(report, 'GET', '/silent')?.moments).toEqual({
      request: 'ok',
      'mid-response': 'not-reached',
      response: 'not-reached',
      idle: 'not-reached',
    });
    // connect, mid-headers, request, response; where the machine is slow, the route is silent for long enough to try the others.
    expect([4, 6]).toContain(report.runs);
  });
});

it('ends its own connections also where the server was still at work on them', async () => {
  const app = shop((app) => {
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.post('/slow', async (request) => {
      // It makes progress, so it is no leak; it would go on so for minutes.
      for await (const _tick of setInterval(20)) {
        if (request.raw.destroyed) return;
        (request.body as Readable).read(100);
      }
    });
  });
  const report = await auditRoutes(app, { moments: ['request'], deadlineMs: 400 });
  expect(report.rows.map(({ moments }) => moments)).toEqual([{ request: 'open' }]);
  expect(report.leaks).toEqual([]);
  expect(String(report)).toMatch(/^POST \/slow +open$/m);
  const { port } = app.server.address() as AddressInfo;
  await until('it to be gone', () => !kernelRows().some((row) => row.localPort === port && row.state === CLOSE_WAIT));
  const accepted = kernelRows().filter((row) => row.localPort === port && row.remotePort > 0 && row.inode > 0);
  expect(accepted).toEqual([]);
});

describe('an application', () => {
  it('that does not listen is made to, on loopback only, and that listens is left as it is', async () => {
    const app = shop((app) => app.get('/', answer));
    await auditRoutes(app, ANSWERED);
    const [address] = app.addresses();
    expect(address).toMatchObject({ address: '127.0.0.1' });
    await auditRoutes(app, ANSWERED);
    expect(app.addresses()).toEqual([address]);
  });

  it('that listens on a unix socket only is refused', async () => {
    const app = shop((app) => app.get('/', answer));
    await app.listen({ path: `${process.env.TMPDIR ?? '/tmp'}/close-wait-guard-${process.pid}.sock` });
    await expect(auditRoutes(app)).rejects.toMatchObject({
      code: 'CWG_ERR_ARGUMENT',
      message: expect.stringMatching(/contacts loopback addresses only, and the application listens on .*\.sock/),
    });
  });

  it.each([[undefined], [{}], [http.createServer()], [() => {}]])('that is %s is refused', async (given) => {
    await expect(auditRoutes(given as never)).rejects.toMatchObject({
      code: 'CWG_ERR_ARGUMENT',
      message: expect.stringContaining('it takes a Fastify 5 instance'),
    });
  });

  it('that a route closes ends the audit with what was left', async () => {
    const app = shop((app) => {
      app.get('/a', answer);
      app.get('/close', async () => void app.server.close());
      app.get('/z', answer);
    });
    const report = await auditRoutes(app, { ...ANSWERED, concurrency: 1 });
    expect(report.survived).toBe(false);
    expect(report.notTried).toMatchObject([{ url: '/z', at: 'response', reason: 'failed' }]);
  });
});
