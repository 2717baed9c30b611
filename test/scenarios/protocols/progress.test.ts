import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { PassThrough, pipeline, Stream, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/index.js';
import { FIN_WAIT2, kernelRow, kernelRows } from '../../support/kernel-view.js';
import { follow } from '../../support/reports.js';
import { get, stageOfEachTest, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
/** More than all buffers between two sockets on loopback hold. */
const LARGE = 24 * 1024 * 1024;

function guardOf(closeWaitTimeout: number) {
  const guard = createGuard({ closeWaitTimeout, sampleInterval: 50 });
  stage.defer(() => guard.close());
  return { guard, seen: follow(guard) };
}

/** As union's, of http-server: a stream of the time before Readable and Writable, which keeps the response that it writes to. */
class OldStream extends Stream {
  readonly writable = true;
  constructor(readonly response: http.ServerResponse) {
    super();
    response.on('drain', () => this.emit('drain'));
  }
  write(chunk: Buffer): boolean {
    return this.response.write(chunk);
  }
  end(): void {
    this.response.end();
  }
}

const PIPES: Record<string, (received: http.IncomingMessage, response: http.ServerResponse) => void> = {
  'through a transform': (received, response) => {
    const transform = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
    pipeline(received, transform, response, () => {});
  },
  'through an old-style stream': (received, response) => {
    received.pipe(new OldStream(response) as unknown as NodeJS.WritableStream);
    // Only what pipe() is told of would end with it.
    response.on('close', () => received.destroy());
  },
};

/** A server that fetches all it answers with from another one. */
async function proxied(on: Stage, how: string): Promise<{ port: number; upstream: number }> {
  const upstream = await on.listen(http.createServer((_request, response) => response.end(Buffer.alloc(LARGE))));
  const front = http.createServer((_request, response) => {
    http.get({ port: upstream, path: '/big', agent: false }, (received) => {
      PIPES[how]?.(received, response);
    });
  });
  return { port: await on.listen(front), upstream };
}

describe.each(Object.keys(PIPES))('a response that is piped on to a client %s', (how) => {
  it('is no leak while the client takes it slowly, although nobody reads it for longer than the time-out', async () => {
    const { seen } = guardOf(1_000);
    const { port, upstream } = await proxied(stage, how);
    const client = await stage.connect(port, '127.0.0.1', { read: false });
    client.say(get('/big'));
    let taken = 0;
    const timer = setInterval(() => (taken += (client.socket.read(40_000) as Buffer | null)?.length ?? 0), 50);
    stage.defer(() => clearInterval(timer));
    client.socket.on('readable', () => {});
    await until('the upstream to be held up', () =>
      kernelRows().some(({ remotePort, receiveQueue }) => remotePort === upstream && receiveQueue > 65_536),
    );
    const before = taken;
    // Three times the time-out, in which the source stands still.
    await sleep(3_000);
    expect(taken).toBeGreaterThan(before);
    expect(seen.leaks).toEqual([]);
  });

  it('is one when the client takes nothing more', async () => {
    const { seen } = guardOf(1_000);
    const { port, upstream } = await proxied(stage, how);
    const client = await stage.connect(port, '127.0.0.1', { read: false });
    client.say(get('/big'));
    const leak = await until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === upstream));
    expect(leak).toMatchObject({ kind: 'stalled', cause: 'response-body-not-read', side: 'outbound', method: 'GET' });
  });
});

describe(`undici's response`, () => {
  it('is no leak while it is read 4 kB at a time out of a buffer that neither kernel nor socket shows', async () => {
    const { seen } = guardOf(400);
    const server = http.createServer((incoming, response) => {
      response.end(Buffer.alloc(60_000));
      response.on('finish', () => incoming.socket.end());
    });
    const port = await stage.listen(server);
    // On Node 26 the default one is Node's own, which hides undici 7's body.
    const dispatcher = new Agent();
    stage.defer(() => dispatcher.destroy());
    const { body } = await request(`http://127.0.0.1:${port}/export`, { dispatcher });
    stage.defer(() => body.destroy());
    body.on('error', () => {});
    let taken = 0;
    for (let i = 0; i < 8; i++) {
      const chunk = body.read(4_096) as Buffer | null;
      taken += chunk?.length ?? 0;
      await sleep(200);
    }
    expect(taken).toBeGreaterThan(0);
    expect(body.readableLength).toBeGreaterThan(0);
    expect(seen.leaks).toEqual([]);
  });
});

describe('a response that is piped into a stream', () => {
  it('is no leak while that stream is read 4 kB at a time, as node-fetch gives its body', async () => {
    const { seen } = guardOf(400);
    const server = http.createServer((_incoming, response) => {
      response.setHeader('connection', 'close');
      response.end(Buffer.alloc(60_000));
    });
    const port = await stage.listen(server);
    const [received] = (await once(http.get({ port, agent: false }), 'response')) as [http.IncomingMessage];
    const body = new PassThrough();
    stage.defer(() => body.destroy());
    pipeline(received, body, () => {});
    let taken = 0;
    for (let i = 0; i < 8; i++) {
      taken += (body.read(4_096) as Buffer | null)?.length ?? 0;
      await sleep(200);
    }
    expect(taken).toBeGreaterThan(20_000);
    expect(body.readableLength).toBeGreaterThan(0);
    expect(seen.leaks).toEqual([]);
  });
});

describe('a connection that this end has ended and does not read', () => {
  it('is stalled, and no FIN_WAIT_2 that the remote end owes', async () => {
    const { guard, seen } = guardOf(300);
    const server = net.createServer((socket) => socket.on('error', () => {}).end('421 too many\r\n'));
    const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
    const port = await stage.listen(server);
    guard.watch(server, { name: 'refuses' });
    const client = await stage.connect(port);
    client.say(Buffer.alloc(8 * 1024 * 1024));
    await accepted;
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ kind: 'stalled', cause: 'never-read', side: 'inbound', state: 'FIN_WAIT2' });
    const row = kernelRow(port, client.port);
    expect(row?.state).toBe(FIN_WAIT2);
    expect(row?.receiveQueue).toBeGreaterThan(65_536);
    expect(guard.stats().listeners).toMatchObject([{ server: 'refuses', finWait2: 0 }]);
    (await accepted).destroy();
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
  });
});
