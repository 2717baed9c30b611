import http from 'node:http';
import net, { type Socket } from 'node:net';
import { PassThrough, Transform, Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { Agent, request as undiciRequest } from 'undici';
import { describe, expect, it } from 'vitest';
import { nameOfWaitedFor } from '../../../src/guard/waits-for.js';
import { readingOf } from '../../../src/layers/reading.js';
import type { WaitsFor } from '../../../src/layers/stalled-destination.js';
import { get, stageOfEachTest, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';

const FLOOD = Buffer.alloc(64 * 1024 * 1024);
const FLOOD_HEAD = `POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: ${FLOOD.length}\r\n\r\n`;
const UPLOAD = [FLOOD_HEAD, FLOOD];
const stage = stageOfEachTest();

function isConnected(waitsFor: WaitsFor): boolean {
  return waitsFor.kind === 'request' && waitsFor.connected;
}

/** A server that takes connections and reads nothing. */
function deaf(onStage: Stage): Promise<number> {
  return onStage.listen(net.createServer({ pauseOnConnect: true }, (socket) => socket.on('error', () => {})));
}

/** What a connection that a server accepts waits for, once it does. */
async function waited(
  server: net.Server,
  [data, ...rest]: readonly (string | Buffer)[],
  settled: (waitsFor: WaitsFor) => boolean = () => true,
): Promise<string> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  const client = await stage.connect(await stage.listen(server), undefined, { read: rest.length > 0 });
  client.say(data!);
  for (const each of rest) client.say(each);
  const { waitsFor } = await until('it to wait', () => {
    const reading = sockets[0] && readingOf(sockets[0]);
    return reading?.waitsFor && settled(reading.waitsFor) ? reading : undefined;
  });
  return nameOfWaitedFor(waitsFor!);
}

describe('an upload waits for', () => {
  it('the request that it is piped to, by where that goes', async () => {
    const port = await deaf(stage);
    const proxy = http.createServer((incoming) => {
      const outgoing = http.request({
        port,
        host: '127.0.0.1',
        method: 'PUT',
        path: '/items?key=secret',
        agent: false,
      });
      incoming.pipe(outgoing.on('error', () => {}));
    });
    expect(await waited(proxy, UPLOAD, isConnected)).toBe(`PUT http://127.0.0.1:${port}/items`);
  });

  it('that request, whose Host header is the one of its own client', async () => {
    const port = await deaf(stage);
    const proxy = http.createServer((incoming) => {
      const { method, url: path, headers } = incoming;
      const outgoing = http.request({ port, host: '127.0.0.1', method, path, headers, agent: false });
      incoming.pipe(new PassThrough()).pipe(outgoing.on('error', () => {}));
    });
    expect(await waited(proxy, UPLOAD, isConnected)).toBe(`POST http://127.0.0.1:${port}/upload (Host: shop.example)`);
  });

  it('that request, which has no connection yet', async () => {
    const port = await deaf(stage);
    const agent = new http.Agent({ maxSockets: 1 });
    stage.defer(() => agent.destroy());
    const options = { port, host: '127.0.0.1', method: 'PUT', agent };
    const first = http.request({ ...options, path: '/first' }).on('error', () => {});
    first.write('x');
    const proxy = http.createServer((incoming) => {
      incoming.pipe(http.request({ ...options, path: '/second' }).on('error', () => {}));
    });
    expect(await waited(proxy, UPLOAD)).toBe(`PUT http://127.0.0.1:${port}/second (not connected)`);
  });

  it('undici, which reads it for a request of its own', async () => {
    const port = await deaf(stage);
    const dispatcher = new Agent();
    stage.defer(() => dispatcher.destroy());
    const proxy = http.createServer((body) => {
      undiciRequest(`http://127.0.0.1:${port}/items`, { method: 'PUT', body, dispatcher }).catch(() => {});
    });
    expect(await waited(proxy, UPLOAD)).toBe('a request of undici');
  });

  it('a stream of the application, through what stands before it', async () => {
    class Disk extends Writable {
      override _write(): void {}
    }
    const server = http.createServer((incoming) => {
      const counter = new Transform({ transform: (chunk, _encoding, callback) => callback(null, chunk) });
      incoming.pipe(counter).pipe(new Disk());
    });
    expect(await waited(server, UPLOAD)).toBe('a stream (Disk)');
  });

  it('a stream that nobody reads', async () => {
    const server = http.createServer((incoming) => incoming.pipe(createGzip({ level: 0 })));
    expect(await waited(server, UPLOAD)).toBe('a stream (Gzip) that nobody reads');
  });
});

it('a tunnel waits for its other end', async () => {
  const port = await deaf(stage);
  const tunnel = net.createServer((socket) => {
    const onward = net.connect(port, '127.0.0.1').on('error', () => {});
    stage.defer(() => onward.destroy());
    socket.pipe(onward);
  });
  expect(await waited(tunnel, [FLOOD, FLOOD])).toBe(`the connection to 127.0.0.1:${port}`);
});

it('a download waits for the response that it is piped to', async () => {
  const source = await stage.listen(http.createServer((_incoming, response) => response.end(FLOOD)));
  let download: Socket | undefined;
  const port = await stage.listen(
    http.createServer((_incoming, response) => {
      http.get({ port: source, host: '127.0.0.1', agent: false }, (body) => {
        download = body.socket;
        body.on('error', () => {}).pipe(response);
      });
    }),
  );
  const client = await stage.connect(port, undefined, { read: false });
  client.say(get('/film?key=secret'));
  const waitsFor = await until('it to wait', () => download && readingOf(download)?.waitsFor);
  expect(nameOfWaitedFor(waitsFor)).toBe('the response to GET /film');
});
