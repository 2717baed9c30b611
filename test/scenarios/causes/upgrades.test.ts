import Fastify from 'fastify';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { closeWaitGuard } from '../../../src/frameworks/fastify/plugin.js';
import { createGuard } from '../../../src/guard/guard.js';
import { listenApp } from '../../support/fastify-app.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { get, stageOfEachTest } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
const UPGRADE = get('/ws?token=secret', 'Connection: Upgrade\r\nUpgrade: feed\r\n');
const CONNECT = 'CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n';

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: feed\r\nConnection: Upgrade\r\n\r\n';

function accept(_request: IncomingMessage, socket: Socket): void {
  socket.write(SWITCHED);
  socket.resume();
}

/** What a client gets back for `request` on a connection of its own. */
async function answerTo(port: number, request: string): Promise<string> {
  const client = await stage.connect(port);
  client.say(request);
  await until('an answer, or the end', () => client.text !== '' || client.socket.readableEnded || client.errors.length);
  client.socket.destroy();
  return client.text.split('\r\n', 1)[0]!;
}

describe('the leak of an upgraded socket', () => {
  it.each([
    ['an upgrade', UPGRADE, 'upgrade', { method: 'GET', route: '/ws' }],
    ['a CONNECT', CONNECT, 'connect', { method: 'CONNECT', route: 'db.test:5432' }],
  ])('names the path of %s', async (_what, request, event, named) => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const port = await stage.listen(http.createServer().on(event, accept));
    const client = await stage.connect(port);
    client.say(request);
    await until('the upgrade', () => client.text.includes('101'));
    await client.close();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ cause: 'half-open-not-ended', ...named });
    expect(leak.explanation).toContain(`${named.method} ${named.route}`);
    expect(leak.explanation).toMatch(/ asked for an? (upgrade|tunnel), was answered and read to its end/);
    expect(JSON.stringify(leak)).not.toContain('secret');
    expectKernelAgrees(leak);
  });

  it('is named also when the listener was added after the first connection', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const server = http.createServer((_request, response) => response.end('plain'));
    const port = await stage.listen(server);
    expect(await answerTo(port, get('/'))).toBe('HTTP/1.1 200 OK');
    server.on('upgrade', accept);
    const client = await stage.connect(port);
    client.say(UPGRADE);
    await until('the upgrade', () => client.text.includes('101'));
    await client.close();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ method: 'GET', route: '/ws' });
  });
});

/** What applications do with listeners for upgrades. They tell the one that is theirs from those of others. */
const IDIOMS: Record<string, (server: http.Server) => void> = {
  'no listener': () => undefined,
  'one listener': (server) => void server.on('upgrade', accept),
  'one for CONNECT alone': (server) => void server.on('connect', accept),
  'one that takes no more than one': (server) => void server.once('upgrade', accept),
  'one that was removed': (server) => void server.on('upgrade', accept).removeListener('upgrade', accept),
  'all removed': (server) => {
    server.on('upgrade', accept).removeAllListeners('upgrade');
  },
  'all removed, and those of others added again': (server) => {
    server.on('upgrade', accept);
    const others = server.listeners('upgrade').filter((listener) => listener !== accept);
    server.removeAllListeners('upgrade');
    for (const listener of others) server.on('upgrade', listener as () => void);
  },
  'all removed behind the back of those who listen for it': (server) => {
    server.on('upgrade', accept);
    server.removeAllListeners('removeListener').removeAllListeners('newListener').removeListener('upgrade', accept);
  },
  'one that leaves what is not its own to others, where there are any': (server) => {
    if (server.listenerCount('upgrade') > 0) return;
    server.on('upgrade', (_request, socket: Socket) => {
      if (server.listenerCount('upgrade') === 1) socket.end('HTTP/1.1 400 Nobody else is here\r\n\r\n');
    });
  },
  'one around those of others': (server) => {
    const others = server.listeners('upgrade');
    server.removeAllListeners('upgrade').on('upgrade', (request: IncomingMessage, socket: Socket) => {
      if (others.length === 0) accept(request, socket);
      for (const other of others) Reflect.apply(other, server, [request, socket, Buffer.alloc(0)]);
    });
  },
};

describe('what a client gets', () => {
  /** The answers to three connections and what can be seen of the server's listeners. */
  async function outcome(juggle: (server: http.Server) => void) {
    const server = http.createServer((_request, response) => response.end('plain'));
    const port = await stage.listen(server);
    const answers = [await answerTo(port, UPGRADE)];
    juggle(server);
    answers.push(await answerTo(port, UPGRADE), await answerTo(port, UPGRADE), await answerTo(port, CONNECT));
    // Somebody does it again while connections are open.
    juggle(server);
    answers.push(await answerTo(port, UPGRADE));
    const listeners = server.eventNames().map((event) => [event, server.listenerCount(event)]);
    return { answers, listeners };
  }

  it.each(Object.entries(IDIOMS))('from a server with %s is the same under a guard', async (_what, juggle) => {
    const without = await outcome(juggle);
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    expect(await outcome(juggle)).toEqual(without);
  });
});

describe('the connection of an upgrade', () => {
  it('has no listener but its own once it is upgraded, and none after close()', async () => {
    const upgraded: Socket[] = [];
    const accepted: Socket[] = [];
    const server = http.createServer((_request, response) => response.end('plain'));
    server.on('connection', (socket) => accepted.push(socket));
    server.on('upgrade', (request, socket: Socket) => {
      accept(request, socket);
      upgraded.push(socket);
    });
    const port = await stage.listen(server);
    const say = async (request: string): Promise<void> => {
      const client = await stage.connect(port);
      client.say(request);
      await until('an answer', () => client.text !== '');
    };
    await say(UPGRADE);
    await say(get('/'));
    const guard = createGuard(QUICK);
    await say(UPGRADE);
    await say(get('/'));
    expect(upgraded[1]!.eventNames()).toEqual(upgraded[0]!.eventNames());
    guard.close();
    // accepted: upgraded and plain without a guard, upgraded and plain with one.
    expect(accepted[3]!.eventNames()).toEqual(accepted[1]!.eventNames());
  });

  it('is named also under TLS', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    // A TLS socket ends itself when it is read to its end.
    const leaveUnread = (_request: IncomingMessage, socket: Socket): boolean => socket.write(SWITCHED);
    const server = https.createServer(localhost).on('upgrade', leaveUnread);
    const port = await stage.listen(server);
    const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    stage.defer(() => client.destroy());
    let text = '';
    client.on('data', (chunk: Buffer) => (text += chunk.toString()));
    client.write(UPGRADE);
    await until('the upgrade', () => text.includes('101'));
    client.end('a first message');
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ method: 'GET', route: '/ws' });
    expectKernelAgrees(leak);
  });

  it('has the path that was asked for, and no route of a router that never saw it', async () => {
    const app = Fastify();
    app.get('/*', async () => 'plain');
    await app.register(closeWaitGuard, { ...QUICK, metrics: false });
    const seen = follow(app.closeWaitGuard);
    app.server.on('upgrade', (request, socket: Socket) => {
      accept(request, socket);
      stage.defer(() => socket.destroy());
    });
    const port = await listenApp(stage, app);
    const client = await stage.connect(port);
    client.say(UPGRADE);
    await until('the upgrade', () => client.text.includes('101'));
    await client.close();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ method: 'GET', route: '/ws', cause: 'half-open-not-ended' });
  });
});
