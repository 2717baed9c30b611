import { once } from 'node:events';
import http from 'node:http';
import net, { type Server, type Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { Guard } from '../../src/guard.js';
import { findLeakedSockets } from '../../src/testing/index.js';
import { listenApp } from '../support/fastify-app.js';
import { expectKernelAgrees, stageOfEachTest } from '../support/leak-case.js';
import { CLOSE_WAIT, ESTABLISHED, kernelRow, kernelRows } from '../support/kernel-view.js';
import { addLeakyRoute, leakOnce, leakyApp } from '../support/leaky-app.js';
import { get, type Client, type Stage } from '../support/stage.js';
import { until } from '../support/until.js';

/** Long enough for a real close on a busy machine, short enough to wait for when there is none. */
const QUICK = Object.freeze({ deadlineMs: 400 });
/** Longer than a test may take: a search that uses it ends early, or its test fails. */
const ENDLESS = Object.freeze({ deadlineMs: 600_000 });

const FIN_WAIT1 = '04';

const stage = stageOfEachTest();

/** Reads to the end and never ends its own side: every connection whose client leaves is a leak. */
function forgetful(): Server {
  return net.createServer({ allowHalfOpen: true }, (socket) => socket.resume());
}

/** A connection whose client has half-closed, as the server sees it. */
async function halfClosed(on: Stage, server: Server): Promise<{ socket: Socket; port: number; peerPort: number }> {
  const port = await on.listen(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = await on.connect(port);
  const [socket] = await accepted;
  await client.halfClose();
  return { socket, port, peerPort: client.port };
}

/** A connection over which the client has sent more than the server, which reads nothing, has room for. */
async function fullWindow(): Promise<{ guard: Guard; socket: Socket; client: Client; port: number }> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const port = await stage.listen(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = await stage.connect(port);
  const [socket] = await accepted;
  client.say(Buffer.alloc(4_000_000));
  const guard = new Guard({ sampleInterval: 0 }, { observer: true });
  stage.undo(() => guard.close());
  await until('the receive window to be full', () => guard.sockets().some(({ kind }) => kind === 'stalled'));
  expect(kernelRow(client.port, port)!.sendQueue, 'bytes the kernel could not deliver').toBeGreaterThan(0);
  return { guard, socket, client, port };
}

describe('finds', () => {
  it('nothing when there is no connection', async () => {
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
  });

  it('nothing when both ends are open', async () => {
    const port = await stage.listen(forgetful());
    await stage.connect(port);
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
  });

  it('an inbound socket, although no guard was there when it was accepted', async () => {
    const { port } = await halfClosed(stage, forgetful());
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([
      { kind: 'close-wait', cause: 'half-open-not-ended', side: 'inbound', localPort: port, server: `net:${port}` },
    ]);
    expectKernelAgrees(leaks[0]!);
    expect(leaks[0]).not.toHaveProperty('leaked');
  });

  it('an outbound socket', async () => {
    const port = await stage.listen(net.createServer((socket) => socket.end('x'.repeat(100_000))));
    const client = await stage.connect(port, '127.0.0.1', { read: false });
    const row = () => kernelRow(client.port, port)?.state;
    await until('the FIN of the server to arrive', () => row() === CLOSE_WAIT);
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([
      { kind: 'close-wait', side: 'outbound', remotePort: port, destination: `127.0.0.1:${port}` },
    ]);
    expectKernelAgrees(leaks[0]!);
  });

  it('a reset socket whose fd is open', async () => {
    const server = net.createServer((socket) => socket.pause());
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say('hello');
    await until('the bytes to arrive', () => (kernelRow(port, client.port)?.receiveQueue ?? 0) > 0);
    await client.reset();
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([{ kind: 'reset', side: 'inbound' }]);
    expectKernelAgrees(leaks[0]!);
  });

  it('a socket whose client has just closed, and whose FIN waits behind unread data', async () => {
    const { guard, socket, client, port } = await fullWindow();
    const clientPort = client.port;
    expect(guard.departing()).toEqual(new Set());
    client.socket.destroy();
    await until('the client to close', () => kernelRow(clientPort, port)?.state === FIN_WAIT1);
    expect(kernelRow(port, clientPort)).toMatchObject({ state: ESTABLISHED });
    expect(guard.departing().size).toBe(1);

    const search = findLeakedSockets({ deadlineMs: 1_500 });
    setImmediate(() => setImmediate(() => setImmediate(() => socket.resume())));
    expect(await search).toMatchObject([{ kind: 'close-wait', cause: 'half-open-not-ended', localPort: port }]);
    expect(guard.departing()).toEqual(new Set());
  });

  it('a stalled socket whose client has closed', async () => {
    const { client, port } = await fullWindow();
    const clientPort = client.port;
    client.socket.destroy();
    await until('the client to close', () => kernelRow(clientPort, port)?.state === FIN_WAIT1);
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([{ kind: 'stalled', side: 'inbound', localPort: port, state: 'ESTABLISHED' }]);
    expect(kernelRow(port, clientPort)).toMatchObject({ state: ESTABLISHED });
    expect(await findLeakedSockets({ ...ENDLESS, ignore: [leaks[0]!.id] })).toEqual([]);
  });

  it('a stalled socket whose client is still there only when strict', async () => {
    const { client, port } = await fullWindow();
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
    expect(await findLeakedSockets({ ...QUICK, strict: true })).toMatchObject([{ kind: 'stalled', localPort: port }]);
    expect(kernelRow(client.port, port)).toMatchObject({ state: ESTABLISHED });
  });

  it('leaks with fake timers installed', async () => {
    await halfClosed(stage, forgetful());
    vi.useFakeTimers();
    stage.undo(() => vi.useRealTimers());
    expect(await findLeakedSockets(QUICK)).toHaveLength(1);
  });
});

describe('a close under way', () => {
  it('is no leak, and ends the search at once', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.resume();
      socket.on('end', () => setTimeout(() => socket.end(), 100));
    });
    const { port, peerPort } = await halfClosed(stage, server);
    expect(kernelRow(port, peerPort)).toMatchObject({ state: CLOSE_WAIT });
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
    expect(kernelRows().filter((row) => row.localPort === port && row.state === CLOSE_WAIT)).toEqual([]);
  });

  it('is no leak either when the loop was blocked through the whole deadline', async () => {
    const { port, peerPort } = await halfClosed(
      stage,
      net.createServer((socket) => socket.resume()),
    );
    const search = findLeakedSockets({ deadlineMs: 50 });
    const end = performance.now() + 200;
    while (performance.now() < end);
    expect(await search).toEqual([]);
    expect(kernelRow(port, peerPort)?.state).not.toBe(CLOSE_WAIT);
  });

  it('is taken for a leak with a deadline of 0 and no end to it', async () => {
    await halfClosed(stage, forgetful());
    expect(await findLeakedSockets({ deadlineMs: 0 })).toHaveLength(1);
  });
});

describe('progress', () => {
  /** Takes 100 bytes from a half-closed socket every 10 ms, for longer than any search here. */
  async function slowReader(forMs = Infinity): Promise<void> {
    const server = net.createServer({ allowHalfOpen: true });
    const port = await stage.listen(server);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const client = await stage.connect(port);
    const [socket] = await accepted;
    client.say(Buffer.alloc(60_000));
    await client.halfClose();
    const startedAt = performance.now();
    const timer = setInterval(() => {
      if (performance.now() - startedAt < forMs || socket.bytesRead === 0) socket.read(100);
    }, 10);
    stage.undo(() => clearInterval(timer));
    await until('the reader to read', () => socket.bytesRead > 0);
  }

  it('is no leak', async () => {
    await slowReader();
    expect(await findLeakedSockets(QUICK)).toEqual([]);
  });

  it('is a leak when strict', async () => {
    await slowReader();
    expect(await findLeakedSockets({ ...QUICK, strict: true })).toHaveLength(1);
  });

  it('that stopped in the first half of the deadline is a leak', async () => {
    await slowReader(200);
    expect(await findLeakedSockets({ deadlineMs: 1_000 })).toHaveLength(1);
  });
});

describe('ignore', () => {
  it('leaves out the leaks with these ids', async () => {
    await halfClosed(stage, forgetful());
    const [first] = await findLeakedSockets(QUICK);
    const { port } = await halfClosed(stage, forgetful());
    expect(await findLeakedSockets({ ...QUICK, ignore: [first!.id] })).toMatchObject([{ localPort: port }]);
  });

  it('leaves out the leaks that a function names, and does not wait for them', async () => {
    const { port } = await halfClosed(stage, forgetful());
    expect(await findLeakedSockets({ ...ENDLESS, ignore: (leak) => leak.server === `net:${port}` })).toEqual([]);
  });

  it('what that function throws is thrown', async () => {
    await halfClosed(stage, forgetful());
    const ignore = () => {
      throw new Error('not so fast');
    };
    await expect(findLeakedSockets({ ignore })).rejects.toThrow('not so fast');
  });
});

describe('server', () => {
  it('one or several: only their connections, whatever else leaks', async () => {
    const [one, two, three] = [forgetful(), forgetful(), forgetful()];
    const ports = [];
    for (const server of [one, two, three]) ports.push((await halfClosed(stage, server)).port);
    const found = async (server: Server | Server[]) =>
      (await findLeakedSockets({ ...QUICK, server })).map(({ localPort }) => localPort).sort();
    expect(await found(two)).toEqual([ports[1]]);
    expect(await found([one, three])).toEqual([ports[0], ports[2]].sort());
  });

  it('a Fastify instance', async () => {
    const app = leakyApp();
    addLeakyRoute(app);
    const port = await listenApp(stage, app);
    await halfClosed(stage, forgetful());
    await leakOnce(stage, port, '/items/7');
    const leaks = await findLeakedSockets({ ...QUICK, server: app });
    expect(leaks).toMatchObject([{ cause: 'request-body-not-read', method: 'POST', localPort: port }]);
    expectKernelAgrees(leaks[0]!);
  });

  it('what a Fastify instance listens on beside its server', async () => {
    const [first, second, other] = [forgetful(), forgetful(), forgetful()];
    const ports = [];
    for (const server of [first, second, other]) ports.push((await halfClosed(stage, server)).port);
    const app = { server: first, addresses: () => [first.address(), second.address(), '/run/app.sock', null] };
    const leaks = await findLeakedSockets({ ...QUICK, server: app });
    expect(leaks.map(({ localPort }) => localPort).sort()).toEqual(ports.slice(0, 2).sort());
  });

  it('an http server that answers is clean', async () => {
    const server = http.createServer((_request, response) => response.end('ok'));
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say(get('/'));
    await until('the answer', () => client.text.includes('ok'));
    await client.leave();
    expect(await findLeakedSockets({ ...ENDLESS, server })).toEqual([]);
  });
});
