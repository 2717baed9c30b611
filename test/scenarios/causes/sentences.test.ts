import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { pipeline } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { followFastifyRoutes } from '../../../src/frameworks/fastify/channel.js';
import { createGuard } from '../../../src/guard/guard.js';
import closeWaitGuard from '../../../src/index.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { listenApp } from '../../support/fastify-app.js';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { follow, QUICK } from '../../support/reports.js';
import { get, post, stageOfEachTest, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { ABANDONED_BYTES, UPLOAD_BYTES } from '../../support/upload.js';

const stage = stageOfEachTest();

/** The one leak that `start` makes on the port it returns. */
async function leakOf(start: (stage: Stage) => Promise<number>): Promise<LeakReport> {
  const guard = createGuard(QUICK);
  stage.defer(() => guard.close());
  const seen = follow(guard);
  const port = await start(stage);
  return until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
}

/** Numbers in sentences are written for people. */
const spoken = (count: number): string => count.toLocaleString('en-US');

describe('the sentences of a leak', () => {
  it(`name the 'clientError' listener that left the socket open, and no handler`, async () => {
    const leak = await leakOf(async (on) => {
      const server = http.createServer((_request, response) => response.end('ok'));
      server.on('clientError', () => {});
      const port = await on.listen(server);
      await on.visit(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n');
      return port;
    });
    expect(leak.cause).toBe('half-open-not-ended');
    expect(leak.explanation).toContain(`'clientError' listener did not close the socket`);
    expect(leak.explanation).toContain(`http:${leak.localPort}`);
    expect(leak.fix).toContain(`socket.destroy(error) in the 'clientError' listener`);
  });

  it('tell the time-out that ends a request whose body nobody reads although it was answered', async () => {
    const leak = await leakOf(async (on) => {
      const server = http.createServer(
        { requestTimeout: 2_000, headersTimeout: 2_000, connectionsCheckingInterval: 100 },
        (request, response) => {
          pipeline(request, createWriteStream('/proc/no-such-folder/archive'), () => response.writeHead(507).end());
        },
      );
      server.keepAliveTimeout = 0;
      const port = await on.listen(server);
      const client = await on.connect(port);
      client.say(post('/archive', ABANDONED_BYTES));
      await client.halfClose();
      return port;
    });
    expect(leak.cause).toBe('request-body-abandoned');
    expect(leak.explanation).toMatch(/Node ends it within \d(?:\.\d)? s \(requestTimeout\)\.$/);
    expect(leak.endsInMs).toBeLessThanOrEqual(2_100);
    const row = (): unknown => kernelRow(leak.localPort!, leak.remotePort!);
    expect(row()).toMatchObject({ state: CLOSE_WAIT });
    await until('Node to end it', () => row() === undefined);
  });

  it('tell how much of a declared body was taken, which route, and since when', async () => {
    const leak = await leakOf(async (on) => {
      const port = await on.listen(http.createServer(() => {}));
      await on.visit(port, post('/items?token=secret', UPLOAD_BYTES));
      return port;
    });
    expect(leak).toMatchObject({ takenBytes: 0, declaredBytes: UPLOAD_BYTES, reason: 'not-touched' });
    expect(leak.explanation).toMatch(/^POST \/items \(http:\d+\) has neither read its request body/);
    expect(leak.explanation).toContain(`(0 of ${spoken(UPLOAD_BYTES)} bytes taken) nor answered; the client left`);
    const row = kernelRow(leak.localPort!, leak.remotePort!)!;
    expect(leak.unreadKernelBytes).toBe(row.receiveQueue - 1);
    expect(leak.explanation).toMatch(/ m?s ago, and Node ends it within 5 min \(requestTimeout\)\.$/);
    expect(leak.endsInMs).toBeGreaterThan(300_000);
    expect(leak.explanation).not.toContain('secret');
  });

  it('tell that an answer was begun and not ended', async () => {
    const leak = await leakOf(async (on) => {
      const server = http.createServer((_request, response) => response.write('some of it'));
      (server as http.Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
      const port = await on.listen(server);
      const client = await on.connect(port);
      client.say(get('/feed'));
      await until('the beginning', () => client.text.includes('some of it'));
      await client.halfClose();
      return port;
    });
    expect(leak).toMatchObject({ cause: 'response-not-ended', method: 'GET', route: '/feed' });
    expect(leak.explanation).toMatch(
      /^GET \/feed \(http:\d+\) has not ended its response, and httpAllowHalfOpen keeps/,
    );
  });

  it('tell how much is written that the peer does not take', async () => {
    const ANSWER = 8 * 1024 * 1024;
    const leak = await leakOf(async (on) => {
      const port = await on.listen(http.createServer((_request, response) => response.end(Buffer.alloc(ANSWER))));
      const client = await on.connect(port, '127.0.0.1', { read: false });
      client.say(get('/film', 'Connection: close\r\n'));
      await until('the answer to fill the way', () => (kernelRow(client.port, port)?.receiveQueue ?? 0) > 65_536);
      await client.halfClose();
      return port;
    });
    expect(leak.cause).toBe('write-stalled');
    expect(leak.unsentBytes).toBeGreaterThan(1024 * 1024);
    expect(leak.explanation).toContain(`${spoken(leak.unsentBytes)} bytes not delivered`);
  });

  it('name the request that holds back those pipelined behind it', async () => {
    const leak = await leakOf(async (on) => {
      const server = http.createServer((request, response) => {
        if (request.url !== '/first') response.end('a'.repeat(200 * 1024));
      });
      const port = await on.listen(server);
      await on.visit(port, get('/first') + get('/second') + get('/third'));
      return port;
    });
    expect(leak).toMatchObject({ cause: 'pipelined-behind-pending-response', route: '/first' });
    expect(leak.explanation).toMatch(
      /^GET \/first .*holds back the responses to later requests .*, the last of them GET \/third;/,
    );
  });
});

describe('the fix speaks the language of', () => {
  it('node:http where no framework is known', async () => {
    const leak = await leakOf(async (on) => {
      const port = await on.listen(http.createServer(() => {}));
      await on.visit(port, post('/items', UPLOAD_BYTES));
      return port;
    });
    expect(leak.cause).toBe('request-body-not-read');
    expect(leak.fix).toContain(`res.writeHead(503, { connection: 'close' }).end()`);
  });

  it('node:http of a request whose pipeline failed', async () => {
    const leak = await leakOf(async (on) => {
      const server = http.createServer((request, response) => {
        pipeline(request, createWriteStream('/no/such/folder/file'), () => response.writeHead(500).end());
      });
      server.keepAliveTimeout = 0;
      const port = await on.listen(server);
      const client = await on.connect(port);
      client.say(post('/upload', ABANDONED_BYTES));
      await until('the response', () => client.text.includes(' 500 '));
      await client.close();
      return port;
    });
    expect(leak.cause).toBe('request-body-abandoned');
    expect(leak.fix).toContain(`res.setHeader('connection', 'close')`);
  });

  it('Fastify where its channel named the handler', async () => {
    stage.defer(followFastifyRoutes());
    const leak = await leakOf(async (on) => uploadTo(on, fastifyThatReadsNothing()));
    expect(leak).toMatchObject({ cause: 'request-body-not-read', route: '/items/:id' });
    expect(leak.fix).toContain(`reply.code(503).header('connection', 'close').send()`);
  });

  it('Fastify where a hook keeps the request from its handler, and the plugin knows the routes', async () => {
    const app = fastifyThatReadsNothing();
    const seen: LeakReport[] = [];
    await app.register(closeWaitGuard, { ...QUICK, metrics: false, onLeak: (leak) => seen.push(leak) });
    app.addHook('onRequest', () => new Promise(() => {}));
    const port = await uploadTo(stage, app);
    const leak = await until('the leak', () => seen.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ cause: 'request-body-not-read', route: '/items/:id' });
    expect(leak.fix).toContain(`reply.code(503).header('connection', 'close').send()`);
  });
});

function fastifyThatReadsNothing(): FastifyInstance {
  const app = Fastify();
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.post('/items/:id', () => new Promise(() => {}));
  return app;
}

async function uploadTo(on: Stage, app: FastifyInstance): Promise<number> {
  const port = await listenApp(on, app);
  await on.visit(port, post('/items/7', UPLOAD_BYTES));
  return port;
}
