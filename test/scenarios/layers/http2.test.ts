import fastify from 'fastify';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { closeWaitGuard, createGuard } from '../../../src/index.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
/** Node 22 has channels for HTTP/2 streams. */
const HAS_STREAM_CHANNELS = Number(process.versions.node.split('.', 1)[0]) >= 22;
const [DATA, HEADERS, SETTINGS, WINDOW_UPDATE] = [0, 1, 4, 8] as const;

function frame(type: number, flags: number, stream: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** Without compression (RFC 7541, 6.2.2). */
function headers(method: string, path: string): Buffer {
  const fields = { ':method': method, ':scheme': 'http', ':authority': 'shop.test', ':path': path };
  return Buffer.concat(
    Object.entries(fields).map(([name, value]) =>
      Buffer.concat([
        Buffer.from([0, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value),
      ]),
    ),
  );
}

/**
 * A client that asks for `/big`, opens the flow-control windows and reads nothing of it, goes on to upload, and leaves: what the
 * session cannot send keeps it from reading, and the FIN waits.
 */
async function leavesUnread(port: number, isFull: () => boolean): Promise<void> {
  const client = await stage.connect(port, '127.0.0.1', { read: false });
  client.socket.pause();
  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(4, 0);
  settings.writeUInt32BE(0x7fff_ffff, 2);
  const window = Buffer.alloc(4);
  window.writeUInt32BE(0x7ffe_0000);
  client.say(
    Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      ...[frame(SETTINGS, 0, 0, settings), frame(WINDOW_UPDATE, 0, 0, window)],
      frame(HEADERS, 5, 1, headers('GET', '/big/7?key=secret')),
    ]),
  );
  await until('the server to have more than it can send', isFull);
  client.say(frame(HEADERS, 4, 3, headers('POST', '/up')));
  for (let i = 0; i < 20; i++) client.say(frame(DATA, 0, 3, Buffer.alloc(3_000)));
  await client.halfClose();
}

/** Writes as long as it is taken. Returns whether nothing has been for a while. */
function fill(response: Writable, socketOf: () => Socket | undefined): () => boolean {
  const pump = (): void => {
    while (response.write(Buffer.alloc(65_536)));
  };
  response.on('drain', pump).on('error', () => {});
  pump();
  let [written, same] = [0, 0];
  return () => {
    const now = socketOf()?.bytesWritten ?? 0;
    same = now === written ? same + 1 : 0;
    written = now;
    return same > 20;
  };
}

describe('an HTTP/2 session whose client has left while it cannot send', () => {
  it.each(['request', 'stream'] as const)(`is the leak of its stream, of a '%s' listener`, async (event) => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const server = http2.createServer();
    let raw: Socket | undefined;
    let isFull: (() => boolean) | undefined;
    server.on('connection', (socket: Socket) => (raw = socket));
    if (event === 'request')
      server.on('request', ({ url }, response) => {
        if (url.startsWith('/big')) isFull = fill(response.stream, () => raw);
      });
    else
      server.on('stream', (stream, { ':path': path }) => {
        stream.on('error', () => {});
        if (path?.startsWith('/big') === true) isFull = fill(stream, () => raw);
      });
    const port = await stage.listen(server);
    await leavesUnread(port, () => isFull?.() === true);
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    // Before Node 22 no channel names a stream, and nothing but an Http2ServerRequest does.
    const named = event === 'request' || HAS_STREAM_CHANNELS;
    expect(leak).toMatchObject({ kind: 'close-wait', cause: 'write-stalled', side: 'inbound' });
    expect([leak.method, leak.route]).toEqual(named ? ['GET', '/big/:n'] : [undefined, undefined]);
    expectKernelAgrees(leak);
  });

  it(`has its route where Fastify serves it`, async () => {
    const app = fastify({ http2: true });
    await app.register(closeWaitGuard, QUICK);
    stage.defer(() => app.close());
    let raw: Socket | undefined;
    app.server.on('connection', (socket: Socket) => (raw = socket));
    stage.defer(() => raw?.destroy());
    let isFull: (() => boolean) | undefined;
    app.get('/big/:id', (_request, reply) => {
      reply.hijack();
      isFull = fill(reply.raw.stream, () => raw);
    });
    app.post('/up', () => new Promise(() => {}));
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const seen = follow(app.closeWaitGuard);
    await leavesUnread(port, () => isFull?.() === true);
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ cause: 'write-stalled', method: 'GET', route: '/big/:id' });
  });
});
