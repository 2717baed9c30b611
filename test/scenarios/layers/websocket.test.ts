import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { closeWaitGuard, createGuard } from '../../../src/index.js';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
/** More than both ends' buffers hold. */
const MESSAGES = 200;

function guarded(options = {}) {
  const guard = createGuard({ ...QUICK, ...options });
  stage.defer(() => guard.close());
  return { guard, seen: follow(guard) };
}

async function finAt(port: number): Promise<void> {
  await until('the FIN to arrive', () =>
    kernelRows().some(({ localPort, state }) => localPort === port && state === CLOSE_WAIT),
  );
}

/** A client that says two things and leaves. */
async function twoMessages(url: string, between: () => Promise<unknown>): Promise<void> {
  const client = new WebSocket(url, { rejectUnauthorized: false });
  client.on('error', () => {});
  await once(client, 'open');
  client.send('1');
  await between();
  client.send('2');
  client.terminate();
}

describe('a WebSocket of a server that pauses it', () => {
  it.each(['ws', 'wss'])('is named by its request: %s', async (scheme) => {
    const { seen } = guarded();
    const server = scheme === 'ws' ? http.createServer() : https.createServer(localhost);
    const sockets = new WebSocketServer({ server });
    stage.defer(() => sockets.close());
    let accepted: WebSocket | undefined;
    sockets.on('connection', (socket) => {
      accepted = socket;
      socket.on('error', () => {});
      socket.on('message', () => socket.pause());
    });
    const port = await stage.listen(server);
    await twoMessages(`${scheme}://127.0.0.1:${port}/live?token=1`, () => until('the pause', () => accepted?.isPaused));
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ cause: 'paused', side: 'inbound', method: 'GET', route: '/live' });
    expect(leak.explanation).toMatch(/^The WebSocket of GET \/live \(/);
  });

  it('comes before the response that a framework has left open on its socket', async () => {
    const app = fastify();
    await app.register(closeWaitGuard, QUICK);
    stage.defer(() => app.close());
    const sockets = new WebSocketServer({ noServer: true });
    let accepted: WebSocket | undefined;
    // As @fastify/websocket does it: a response of its own, assigned to the socket, takes the request through the router.
    app.server.on('upgrade', (request, socket, head) => {
      const response = new http.ServerResponse(request);
      response.assignSocket(socket as Socket);
      Object.assign(request, { upgradeWith: { socket, head } });
      app.routing(request, response);
    });
    app.get('/rooms/:id', (request, reply) => {
      reply.hijack();
      const { socket, head } = (request.raw as unknown as { upgradeWith: { socket: Socket; head: Buffer } })
        .upgradeWith;
      sockets.handleUpgrade(request.raw, socket, head, (webSocket) => {
        accepted = webSocket;
        webSocket.on('error', () => {});
        webSocket.on('message', () => webSocket.pause());
      });
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const seen = follow(app.closeWaitGuard);
    await twoMessages(`ws://127.0.0.1:${port}/rooms/7`, () => until('the pause', () => accepted?.isPaused));
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ cause: 'paused', side: 'inbound', method: 'GET', route: '/rooms/:id' });
    expect(leak.explanation).toMatch(/^The WebSocket of GET \/rooms\/:id/);
    accepted?.terminate();
  });
});

describe('a WebSocket of a client that pauses it', () => {
  it('is named by where it goes', async () => {
    const { seen } = guarded();
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    stage.defer(() => sockets.close());
    sockets.on('connection', (socket) => {
      socket.on('message', () => {
        socket.send('2');
        socket.terminate();
      });
    });
    const port = await stage.listen(server);
    const client = new WebSocket(`ws://127.0.0.1:${port}/feed`);
    stage.defer(() => client.terminate());
    client.on('error', () => {});
    await once(client, 'open');
    client.pause();
    client.send('1');
    const leak = await until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === port));
    expect(leak).toMatchObject({ cause: 'paused', side: 'outbound', destination: `ws://127.0.0.1:${port}/feed` });
    expect(leak.explanation).toContain(`he WebSocket to ws://127.0.0.1:${port}/feed`);
  });

  it('and resumes it for each message is silent, and gets the last one under reclaim', async () => {
    const { guard, seen } = guarded({ closeWaitTimeout: 700, reclaim: true });
    const reclaimed: unknown[] = [];
    guard.on('reclaimed', (leak) => reclaimed.push(leak));
    const server = http.createServer();
    const sockets = new WebSocketServer({ server, perMessageDeflate: true });
    stage.defer(() => sockets.close());
    sockets.on('connection', (socket) => {
      for (let i = 0; i < MESSAGES; i++) socket.send(Buffer.alloc(65_536, i % 256));
      socket.close();
    });
    const port = await stage.listen(server);
    const client = new WebSocket(`ws://127.0.0.1:${port}/feed`);
    stage.defer(() => client.terminate());
    const taken: number[] = [];
    client.on('message', (data: Buffer) => {
      taken.push(data.length + data[0]!);
      client.pause();
      setTimeout(() => client.resume(), taken.length < 60 ? 250 : 0);
    });
    await once(client, 'close');
    expect(taken).toEqual(Array.from({ length: MESSAGES }, (_, i) => 65_536 + (i % 256)));
    expect([seen.leaks.filter(({ side }) => side === 'outbound'), reclaimed]).toEqual([[], []]);
  });
});

describe('a stream above a WebSocket, which cannot be seen', () => {
  it('is never cut by reclaim while somebody reads it slowly', async () => {
    const { guard } = guarded({ reclaim: true });
    const reclaimed: string[] = [];
    guard.on('reclaimed', ({ side }) => reclaimed.push(side));
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    stage.defer(() => sockets.close());
    let taken = 0;
    const done = new Promise<void>((resolve) => {
      sockets.on('connection', (socket) => {
        const stream = createWebSocketStream(socket);
        stream.on('error', () => {});
        const timer = setInterval(() => (taken += (stream.read(4_096) as Buffer | null)?.length ?? 0), 100);
        setTimeout(() => {
          clearInterval(timer);
          stream.on('data', (chunk: Buffer) => (taken += chunk.length));
          stream.on('end', resolve);
        }, 2_000);
      });
    });
    const port = await stage.listen(server);
    const client = new WebSocket(`ws://127.0.0.1:${port}/up`);
    client.on('error', () => {});
    await once(client, 'open');
    for (let i = 0; i < 3; i++) client.send(Buffer.alloc(65_536));
    await until('all to be with the kernel', () => client.bufferedAmount === 0);
    client.terminate();
    await finAt(port);
    await done;
    expect([taken, reclaimed]).toEqual([3 * 65_536, []]);
  });
});
