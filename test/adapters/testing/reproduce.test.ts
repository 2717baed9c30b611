import { createWriteStream } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { pipeline } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { LEAK_CAUSES, type LeakCause } from '../../../src/base/vocabulary.js';
import { followFastifyRoutes } from '../../../src/frameworks/fastify/channel.js';
import { CAUSES } from '../../../src/leaks/causes/index.js';
import { type GuardError, hangUp, reproduce, type LeakReport } from '../../../src/testing.js';
import { resolveHangUpOptions } from '../../../src/testing/hang-up/options.js';
import { listenApp } from '../../support/fastify-app.js';
import { guardOn } from '../../support/guarded-server.js';
import { follow, QUICK } from '../../support/reports.js';
import { get, post, stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { ABANDONED_BYTES, UPLOAD_BYTES } from '../../support/upload.js';

const stage = stageOfEachTest();
const DEADLINE = Object.freeze({ deadlineMs: 500 });

/** An application, what a client in production did to it, and where its leak is made again. */
interface Production {
  readonly name: string;
  /** Starts it; returns its port. */
  readonly start: () => Promise<{ target: http.Server | net.Server | FastifyInstance; port: number }>;
  readonly request: string;
}

const leaks: Production[] = [
  {
    name: 'an upload that nobody reads',
    start: async () => {
      const app = Fastify();
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
      app.post('/items/:id', () => new Promise(() => {}));
      return { target: app, port: await listenApp(stage, app) };
    },
    request: post('/items/7', UPLOAD_BYTES),
  },
  {
    name: 'an upload whose file cannot be written',
    start: async () => {
      const server = http.createServer((request, response) => {
        pipeline(request, createWriteStream('/no/such/folder/file'), () => response.writeHead(500).end());
      });
      server.keepAliveTimeout = 0;
      return { target: server, port: await stage.listen(server) };
    },
    request: post('/upload', ABANDONED_BYTES),
  },
  {
    name: 'a handler that does not answer, on a server that lets clients half-close',
    start: async () => {
      const server = Object.assign(
        http.createServer(() => {}),
        { httpAllowHalfOpen: true },
      );
      return { target: server, port: await stage.listen(server) };
    },
    request: get('/slow'),
  },
  {
    name: 'a WebSocket that is paused',
    start: async () => {
      const server = http.createServer();
      const webSockets = new WebSocketServer({ server });
      webSockets.on('connection', (webSocket) => {
        webSocket.on('error', () => {});
        webSocket.pause();
      });
      stage.defer(() => {
        for (const webSocket of webSockets.clients) webSocket.terminate();
      });
      return { target: server, port: await stage.listen(server) };
    },
    request: get(
      '/live',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
    ),
  },
  {
    name: 'a raw socket that nobody reads',
    start: async () => {
      const server = net.createServer(() => {});
      return { target: server, port: await stage.listen(server) };
    },
    request: 'EHLO shop.test\r\n',
  },
];

describe('the arguments of hangUp() that make it leak again', () => {
  it.each(leaks.map((production) => [production.name, production] as const))(
    '%s',
    async (_name, { start, request }) => {
      const guard = guardOn(stage, QUICK);
      // As the plugin and the preload do.
      stage.defer(followFastifyRoutes());
      const seen = follow(guard);
      const { target, port } = await start();
      const client = await stage.connect(port);
      client.say(request);
      // What comes over the wire after the 101 is a frame.
      if (request.includes('Upgrade')) {
        await until('the upgrade', () => client.text.includes(' 101 '));
        client.say(Buffer.from([0x82, 0x85, 0, 0, 0, 0, 1, 2, 3, 4, 5]));
      }
      if (request.includes('/upload')) await until('the answer', () => client.text.includes(' 500 '));
      await client.close();
      const inProduction = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));

      // As it comes out of a log.
      const again = await hangUp(target, ...reproduceAtOnce(JSON.parse(JSON.stringify(inProduction)) as LeakReport));
      expect(again.leak?.id).not.toBe(inProduction.id);
      // Not always of the same kind: how a body was cut into segments says whether the FIN behind it arrives.
      expect(again.leak).toMatchObject({
        cause: inProduction.cause,
        side: 'inbound',
        method: inProduction.method,
        route: inProduction.route ?? undefined,
      });
    },
  );

  function reproduceAtOnce(
    leak: LeakReport,
  ): Parameters<typeof hangUp> extends [unknown, ...infer Rest] ? Rest : never {
    const [request, options] = reproduce(leak);
    return [request, { ...options, ...DEADLINE }];
  }
});

const REPORT = { kind: 'close-wait', side: 'inbound', method: 'POST', route: '/items/:id/:size(\\d+)' } as const;

describe('from a report', () => {
  it.each([
    ['request-body-not-read', {}, { method: 'POST', path: '/items/1/1', body: UPLOAD_BYTES }, { at: 'request' }],
    [
      'request-body-not-read',
      { kind: 'stalled' },
      { method: 'POST', path: '/items/1/1', body: 1_048_576 },
      { at: 'request' },
    ],
    ['request-body-abandoned', {}, { method: 'POST', path: '/items/1/1', body: ABANDONED_BYTES }, { at: 'response' }],
    ['response-not-ended', {}, { method: 'POST', path: '/items/1/1' }, { at: 'request' }],
    ['half-open-not-ended', { method: 'GET', route: '/live' }, { method: 'GET', path: '/live' }, { at: 'upgrade' }],
    ['write-stalled', {}, { method: 'POST', path: '/items/1/1' }, { at: 'mid-response', readsOn: false }],
    ['unknown', { path: '/items/7/9' }, { method: 'POST', path: '/items/7/9' }, { at: 'request' }],
    ['unknown', { path: '/items/7/9...' }, { method: 'POST', path: '/items/1/1' }, { at: 'request' }],
    ['half-open-not-ended', { reason: 'client-error-listener' }, {}, { at: 'mid-headers' }],
    ['unknown', {}, { method: 'POST', path: '/items/1/1' }, { at: 'request' }],
    [
      'response-body-not-read',
      { side: 'outbound', method: 'GET', route: undefined, requestedBy: 'POST /checkout/:cart' },
      { method: 'POST', path: '/checkout/1' },
      { at: 'response' },
    ],
  ] as const)('%s %o', (cause, facts, request, options) => {
    expect(reproduce({ ...REPORT, cause, ...facts })).toEqual([request, options]);
  });

  it.each(LEAK_CAUSES)('of %s it makes arguments that hangUp() takes, or says why it cannot', (cause) => {
    const { reproduction } = CAUSES[cause];
    if (reproduction.by === 'nothing') {
      expect(() => reproduce({ ...REPORT, cause })).toThrow(reproduction.because);
      return;
    }
    if (reproduction.by !== 'request') throw new Error('half a head is of one reason, and of no cause');
    const [request, options] = reproduce({ ...REPORT, cause });
    expect(request).toMatchObject({ method: 'POST', path: '/items/1/1' });
    expect(resolveHangUpOptions(options)).toMatchObject({
      at: reproduction.leavesAt,
      readsOn: reproduction.readsOn ?? true,
    });
    expect('body' in request).toBe(reproduction.body !== undefined);
  });

  it('of a cause that this version does not know, as a later one may write it, sends the request', () => {
    const leak = { ...REPORT, cause: 'of-a-later-version' as LeakCause };
    expect(reproduce(leak)).toEqual([{ method: 'POST', path: '/items/1/1' }, { at: 'request' }]);
  });

  it('sends as many raw bytes as were unread, where there was no request', () => {
    const leak = {
      kind: 'close-wait',
      side: 'inbound',
      cause: 'paused',
      takenBytes: 0,
      unreadKernelBytes: 40,
      unreadStreamBytes: 2,
    } as const;
    const [bytes, options] = reproduce(leak);
    expect(bytes).toHaveLength(42);
    expect(options).toEqual({ at: 'request' });
  });

  it.each([
    [
      { ...REPORT, side: 'unknown', cause: 'detached-handle' },
      'no socket of the thread it was found in names a request',
    ],
    [
      { ...REPORT, cause: 'pipelined-behind-pending-response' },
      'it takes several requests, of which the report names one',
    ],
    [
      { kind: 'close-wait', side: 'inbound', cause: 'paused', takenBytes: 10 },
      'it was paused after some bytes had been read, and the report does not have them',
    ],
    [
      { ...REPORT, side: 'outbound', cause: 'response-body-not-read' },
      'it is outbound, and does not say which request asked for it',
    ],
  ] as const)('says why it cannot: %o', (leak, why) => {
    expect(() => reproduce(leak)).toThrow(
      expect.objectContaining({
        code: 'CWG_ERR_ARGUMENT',
        message: expect.stringContaining(why) as string,
      }) as GuardError,
    );
  });

  it.each([[null], ['POST /items'], [{}]])('takes no %o', (leak) => {
    expect(() => reproduce(leak as never)).toThrow(
      /the leak given to reproduce\(\) is .*; it takes a LeakReport, also one/,
    );
  });
});
