import { once } from 'node:events';
import http from 'node:http';
import net, { type Server, type Socket } from 'node:net';
import https from 'node:https';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import {
  hangUp,
  HANG_UP_WAYS,
  type HangUpMoment,
  type HangUpOptions,
  type HangUpRequest,
} from '../../../src/testing.js';
import { CLOSE_WAIT, ESTABLISHED, kernelRows, LISTEN } from '../../support/kernel-view.js';
import { expectKernelAgrees } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

const stage = stageOfEachTest();
/** Long enough for a real close on a busy machine, short enough to wait for when there is none. */
const QUICK = Object.freeze({ deadlineMs: 400 });

/** States of the connections of this port that some fd is open on, as the kernel has them. */
function statesOf(port: number): string[] {
  return kernelRows()
    .filter(({ localPort, state, inode }) => localPort === port && state !== LISTEN && inode !== 0)
    .map(({ state }) => state);
}

interface Heard {
  readonly text: () => string;
  readonly events: string[];
}

/** What a server hears of its one client, and nothing is done about. */
function listenTo(server: Server): Heard {
  const chunks: Buffer[] = [];
  const events: string[] = [];
  server.on('connection', (socket: Socket) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => events.push('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => events.push(String(error.code)));
  });
  return { text: () => Buffer.concat(chunks).toString('latin1'), events };
}

/** Answers what it is asked with 200 kB, and reads what it is sent. */
function healthy(): http.Server {
  return http.createServer((request, response) => {
    request.resume().on('end', () => response.end('y'.repeat(200_000)));
  });
}

const GET: HangUpRequest = { path: '/items/7' };
const POST: HangUpRequest = { method: 'POST', path: '/items/7', body: '{"name":"pen"}' };

describe('what is on the wire', () => {
  const head = (port: number): string =>
    `POST /items/7 HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/octet-stream\r\ncontent-length: 14\r\n\r\n`;
  const moments: [HangUpMoment, Partial<HangUpOptions>, (port: number) => string][] = [
    ['connect', {}, () => ''],
    ['mid-headers', {}, (port) => head(port).slice(0, head(port).length >> 1)],
    ['mid-headers', { afterBytes: 9 }, () => 'POST /ite'],
    ['headers', {}, head],
    ['mid-body', {}, (port) => `${head(port)}{"name":"pen"`],
    ['mid-body', { afterBytes: 3 }, (port) => `${head(port)}{"n`],
    ['request', {}, (port) => `${head(port)}{"name":"pen"}`],
  ];
  it.each(moments)('%s %o', async (at, options, expected) => {
    const server = net.createServer({ allowHalfOpen: true });
    const heard = listenTo(server);
    server.on('connection', (socket) => socket.on('end', () => socket.end()));
    const port = await stage.listen(server);
    const result = await hangUp(server, POST, { at, ...options });
    expect(result).toMatchObject({ reached: true, closed: true });
    expect(result).not.toHaveProperty('leak');
    expect(heard.text()).toBe(expected(port));
    expect(heard.events).toEqual(['end']);
    expect(statesOf(port)).toEqual([]);
  });

  it('the bytes that were given, where they are not HTTP', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.on('end', () => socket.end()));
    const heard = listenTo(server);
    await stage.listen(server);
    expect(await hangUp(server, 'EHLO shop.test\r\n', { at: 'request' })).toMatchObject({
      reached: true,
      closed: true,
    });
    expect(heard.text()).toBe('EHLO shop.test\r\n');
  });

  it('a body of as many bytes as asked for', async () => {
    const server = healthy();
    let bytes = 0;
    server.on('request', (request: http.IncomingMessage) =>
      request.on('data', (chunk: Buffer) => (bytes += chunk.length)),
    );
    await stage.listen(server);
    const result = await hangUp(server, { method: 'PUT', body: 1_234_567 }, { at: 'response' });
    expect(result).toMatchObject({
      reached: true,
      closed: true,
      response: { statusCode: 200, bodyBytes: 200_000, complete: true },
    });
    expect(bytes).toBe(1_234_567);
  });

  it('a body from a generator, in chunks, and not its end when it leaves before', async () => {
    const bodies: string[] = [];
    const aborted: boolean[] = [];
    const server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('close', () => {
        bodies.push(body);
        aborted.push(!request.complete);
        response.end();
      });
    });
    await stage.listen(server);
    function* pieces(): Iterable<string> {
      yield 'first ';
      yield '';
      yield 'second';
    }
    await hangUp(server, { method: 'POST', body: pieces() }, { at: 'request' });
    await hangUp(server, { method: 'POST', body: pieces() }, { at: 'mid-body' });
    await hangUp(server, { method: 'POST', body: pieces() }, { at: 'mid-body', afterBytes: 8 });
    await until('the server to have heard of all', () => bodies.length === 3);
    expect(bodies).toEqual(['first second', 'first second', 'first se']);
    expect(aborted).toEqual([false, true, true]);
  });

  it('headers as they were given, also instead of its own', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.on('end', () => socket.end()));
    const heard = listenTo(server);
    await stage.listen(server);
    const headers = { Host: 'shop.test', 'X-Tag': ['a', 'b'], 'Content-Type': undefined, authorization: 'Bearer 1' };
    await hangUp(server, { method: 'POST', body: 'x', headers }, { at: 'headers' });
    expect(heard.text()).toBe(
      'POST / HTTP/1.1\r\nhost: shop.test\r\ncontent-length: 1\r\nx-tag: a\r\nx-tag: b\r\nauthorization: Bearer 1\r\n\r\n',
    );
  });
});

describe('how it leaves', () => {
  it.each([
    ['fin', 'end'],
    ['close', 'end'],
    ['reset', 'ECONNRESET'],
  ] as const)('%s: the server hears %s', async (how, event) => {
    // Idle: with bytes unread, Node makes an end even of a reset.
    const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.on('end', () => socket.end()));
    const heard = listenTo(server);
    const port = await stage.listen(server);
    expect(await hangUp(server, 'hello', { at: 'idle', how })).toMatchObject({ reached: true, closed: true });
    expect(heard.events).toEqual([event]);
    expect(statesOf(port)).toEqual([]);
  });

  it('vanish: the server hears nothing, and its socket stays as it is until the deadline', async () => {
    const server = net.createServer();
    const heard = listenTo(server);
    const port = await stage.listen(server);
    const result = hangUp(server, 'hello', { at: 'request', how: 'vanish', ...QUICK });
    await until('the greeting', () => heard.text() === 'hello');
    const before = statesOf(port);
    expect(await result).toMatchObject({ reached: true, closed: false });
    expect(await result).not.toHaveProperty('leak');
    expect(before).toEqual([ESTABLISHED]);
    // It frees its own end then, with a reset: nothing else would tell the server.
    await until('the reset', () => heard.events.includes('ECONNRESET'));
  });
});

describe('a server that does well', () => {
  it.each(HANG_UP_WAYS.filter((how) => how !== 'vanish'))('%s at every moment', async (how) => {
    const server = healthy();
    const port = await stage.listen(server);
    for (const at of ['connect', 'mid-headers', 'headers', 'request', 'mid-response', 'response', 'idle'] as const) {
      const result = await hangUp(server, GET, { at, how });
      expect(result, at).toMatchObject({ reached: true, closed: true });
      expect(result, at).not.toHaveProperty('leak');
    }
    expect(statesOf(port)).toEqual([]);
  });

  it('ends by itself before the moment comes', async () => {
    const server = http.createServer((_request, response) => response.end('no'));
    await stage.listen(server);
    const request = { ...GET, headers: { connection: 'close' } };
    expect(await hangUp(server, request, { at: 'idle' })).toMatchObject({ reached: false, closed: true });
    expect(await hangUp(server, GET, { at: 'upgrade' })).toMatchObject({
      reached: false,
      closed: true,
      response: { statusCode: 200, complete: true },
    });
  });
});

describe('a server that leaks', () => {
  it.each(['fin', 'close', 'reset'] as const)('says so, when the client leaves with %s', async (how) => {
    const app = Fastify();
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    app.post('/items/:id', () => new Promise(() => {}));
    stage.defer(() => app.close());
    stage.defer(() => app.server.closeAllConnections());
    // It does not listen yet.
    const result = await hangUp(app, { method: 'POST', path: '/items/7' }, { at: 'request', how, ...QUICK });
    expect(result).toMatchObject({
      reached: true,
      closed: false,
      leak: {
        kind: how === 'reset' ? 'reset' : 'close-wait',
        cause: 'request-body-not-read',
        side: 'inbound',
        method: 'POST',
        route: '/items/:id',
      },
    });
    expectKernelAgrees(result.leak!);
    expect(result.afterMs).toBeGreaterThanOrEqual(QUICK.deadlineMs);
  });

  it('also behind a full receive window', async () => {
    const server = http.createServer(() => {});
    await stage.listen(server);
    const result = await hangUp(server, { method: 'POST', body: 600_000 }, { at: 'request', ...QUICK });
    expect(result).toMatchObject({ leak: { kind: 'stalled', cause: 'request-body-not-read' } });
    expectKernelAgrees(result.leak!);
  });

  it('by an upgraded socket that nobody ends', async () => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.resume();
    });
    await stage.listen(server);
    const result = await hangUp(server, { path: '/live' }, { at: 'upgrade', ...QUICK });
    expect(result).toMatchObject({
      reached: true,
      response: { statusCode: 101 },
      leak: { kind: 'close-wait', cause: 'half-open-not-ended', route: '/live' },
    });
    expectKernelAgrees(result.leak!);
  });

  it('by writing to a client that has left and reads nothing', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.resume().on('end', () => socket.end(Buffer.alloc(20_000_000)));
    });
    const port = await stage.listen(server);
    const going = hangUp(server, 'hello', { at: 'request', readsOn: false, ...QUICK });
    await until('the FIN to arrive', () => statesOf(port)[0] === CLOSE_WAIT);
    const { closed, leak } = await going;
    expect(closed).toBe(false);
    expect(leak).toMatchObject({ kind: 'close-wait', cause: 'write-stalled', side: 'inbound' });
    expect(leak!.unsentBytes).toBeGreaterThan(10_000_000);
  });

  it('but not while it makes progress', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const timer = setInterval(() => socket.write('tick'), 20);
      socket.resume().on('close', () => clearInterval(timer));
    });
    const port = await stage.listen(server);
    const result = await hangUp(server, 'hello', { at: 'request', ...QUICK });
    expect(statesOf(port), 'half-closed, and busy').toEqual([CLOSE_WAIT]);
    expect(result).toMatchObject({ closed: false });
    expect(result).not.toHaveProperty('leak');
  });
});

describe('other servers', () => {
  it('TLS, whose certificate nobody has signed', async () => {
    const server = https.createServer(localhost, (request, response) => {
      if (request.url === '/leak') return;
      response.end('hello');
    });
    await stage.listen(server);
    for (const at of ['connect', 'mid-headers', 'request', 'response', 'idle'] as const) {
      for (const how of ['fin', 'close', 'reset'] as const) {
        expect(await hangUp(server, GET, { at, how }), `${at} ${how}`).toMatchObject({ reached: true, closed: true });
      }
    }
    const result = await hangUp(server, { method: 'POST', path: '/leak' }, { at: 'request', ...QUICK });
    expect(result).toMatchObject({ leak: { cause: 'request-body-not-read', route: '/leak' } });
    expectKernelAgrees(result.leak!);
  });

  it('a WebSocket server, that reads and that does not', async () => {
    const server = http.createServer();
    const webSockets = new WebSocketServer({ server });
    let connections = 0;
    webSockets.on('connection', (webSocket) => {
      connections++;
      webSocket.on('error', () => {});
      if (connections > 1) webSocket.pause();
    });
    await stage.listen(server);
    expect(await hangUp(server, { path: '/live' }, { at: 'upgrade' })).toMatchObject({ reached: true, closed: true });
    // With a message, and with the ping that is sent by default.
    for (const body of [Buffer.from([0x82, 0x85, 0, 0, 0, 0, 1, 2, 3, 4, 5]), undefined]) {
      const result = await hangUp(server, { path: '/live', body }, { at: 'upgrade', ...QUICK });
      expect(result).toMatchObject({ reached: true, leak: { cause: 'paused', route: '/live' } });
      expectKernelAgrees(result.leak!);
    }
    for (const webSocket of webSockets.clients) webSocket.terminate();
  });

  it('that switch to another protocol get no ping of a WebSocket', async () => {
    const server = http.createServer();
    let bytes = 0;
    server.on('upgrade', (_request, socket) => {
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('end', () => socket.end());
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: feed\r\n\r\n');
    });
    await stage.listen(server);
    expect(await hangUp(server, { path: '/live' }, { at: 'upgrade' })).toMatchObject({ reached: true, closed: true });
    expect(bytes).toBe(0);
  });

  it('one that is named by a URL', async () => {
    const port = await stage.listen(healthy());
    const result = await hangUp(`http://127.0.0.1:${port}/ignored`, GET, { at: 'response' });
    expect(result).toMatchObject({ reached: true, closed: true, response: { statusCode: 200 } });
  });

  it('on every address', async () => {
    const server = healthy();
    await stage.listen(server, '0.0.0.0');
    expect(await hangUp(server, GET, { at: 'response' })).toMatchObject({ reached: true, closed: true });
  });
});

describe('what it leaves behind', () => {
  it('is a server that listens, where it did not, and nothing else', async () => {
    const server = healthy();
    const [first, second] = await Promise.all([
      hangUp(server, GET, { at: 'response' }),
      hangUp(server, GET, { at: 'idle' }),
    ]);
    stage.defer(() => new Promise((resolve) => server.close(resolve)));
    expect([first, second]).toMatchObject([{ closed: true }, { closed: true }]);
    expect(server.listening).toBe(true);
    const { port, address } = server.address() as net.AddressInfo;
    expect(address).toBe('127.0.0.1');
    const ends = kernelRows().filter((row) => row.inode !== 0 && (row.localPort === port || row.remotePort === port));
    expect(ends.map(({ state }) => state)).toEqual([LISTEN]);
  });

  it('is the default body, when it was not read: as many bytes as hold back the FIN and no more', async () => {
    const server = http.createServer(() => {});
    await stage.listen(server);
    const request = once(server, 'request') as Promise<[http.IncomingMessage]>;
    const result = await hangUp(server, { method: 'PATCH' }, { at: 'request', ...QUICK });
    expect(Number((await request)[0].headers['content-length'])).toBe(UPLOAD_BYTES);
    expect(result.leak).toMatchObject({ kind: 'close-wait', method: 'PATCH' });
  });
});
