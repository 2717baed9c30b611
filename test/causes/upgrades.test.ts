import http, { type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/guard.js';
import { expectKernelAgrees, follow, QUICK, stageOfEachTest } from '../support/leak-case.js';
import { get } from '../support/stage.js';
import { until } from '../support/until.js';

const stage = stageOfEachTest();
const UPGRADE = get('/ws?token=secret', 'Connection: Upgrade\r\nUpgrade: feed\r\n');
const CONNECT = 'CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n';

function accept(_request: IncomingMessage, socket: Socket): void {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: feed\r\nConnection: Upgrade\r\n\r\n');
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
    stage.undo(() => guard.close());
    const seen = follow(guard);
    const port = await stage.listen(http.createServer().on(event, accept));
    const client = await stage.connect(port);
    client.say(request);
    await until('the upgrade', () => client.text.includes('101'));
    await client.leave();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ cause: 'half-open-not-ended', ...named });
    expect(leak.explanation).toContain(`${named.method} ${named.route}`);
    expect(leak.explanation).toContain('upgraded');
    expect(JSON.stringify(leak)).not.toContain('secret');
    expectKernelAgrees(leak);
  });

  it('is named also when the listener was added after the first connection', async () => {
    const guard = createGuard(QUICK);
    stage.undo(() => guard.close());
    const seen = follow(guard);
    const server = http.createServer((_request, response) => response.end('plain'));
    const port = await stage.listen(server);
    expect(await answerTo(port, get('/'))).toBe('HTTP/1.1 200 OK');
    server.on('upgrade', accept);
    const client = await stage.connect(port);
    client.say(UPGRADE);
    await until('the upgrade', () => client.text.includes('101'));
    await client.leave();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ method: 'GET', route: '/ws' });
  });
});

describe('what a server does with an upgrade', () => {
  async function plainServer() {
    const server = http.createServer((_request, response) => response.end('plain'));
    return { server, port: await stage.listen(server) };
  }

  it('does not change under a guard where it has no listener: a plain answer, and no CONNECT', async () => {
    const { port } = await plainServer();
    const without = [await answerTo(port, UPGRADE), await answerTo(port, CONNECT)];
    const guard = createGuard(QUICK);
    stage.undo(() => guard.close());
    expect([await answerTo(port, UPGRADE), await answerTo(port, CONNECT)]).toEqual(without);
    expect([await answerTo(port, UPGRADE), await answerTo(port, CONNECT)]).toEqual(without);
    expect(without[0]).toBe('HTTP/1.1 200 OK');
  });

  it('is as before once the application has removed its listener', async () => {
    const guard = createGuard(QUICK);
    stage.undo(() => guard.close());
    const { server, port } = await plainServer();
    server.on('upgrade', accept);
    expect(await answerTo(port, UPGRADE)).toContain('101');
    server.removeListener('upgrade', accept);
    expect(server.listenerCount('upgrade')).toBe(0);
    expect(await answerTo(port, UPGRADE)).toBe('HTTP/1.1 200 OK');
    server.once('upgrade', accept);
    expect(await answerTo(port, UPGRADE)).toContain('101');
    expect(await answerTo(port, UPGRADE)).toBe('HTTP/1.1 200 OK');
  });

  it('is as before after removeAllListeners()', async () => {
    const guard = createGuard(QUICK);
    stage.undo(() => guard.close());
    const { server, port } = await plainServer();
    server.on('upgrade', accept);
    expect(await answerTo(port, UPGRADE)).toContain('101');
    server.removeAllListeners('upgrade');
    expect(server.listenerCount('upgrade')).toBe(0);
    expect(await answerTo(port, UPGRADE)).toBe('HTTP/1.1 200 OK');
    server.on('upgrade', accept);
    server.removeAllListeners();
    expect(server.eventNames()).toEqual([]);
  });

  it('is as before after close(), down to the listeners', async () => {
    const { server, port } = await plainServer();
    server.on('upgrade', accept);
    const before = ['upgrade', 'connect', 'newListener', 'removeListener'].map((event) => server.listeners(event));
    const guard = createGuard(QUICK);
    expect(await answerTo(port, UPGRADE)).toContain('101');
    expect(server.listenerCount('upgrade')).toBe(2);
    guard.close();
    const after = ['upgrade', 'connect', 'newListener', 'removeListener'].map((event) => server.listeners(event));
    expect(after).toEqual(before);
    expect(await answerTo(port, UPGRADE)).toContain('101');
    server.removeListener('upgrade', accept);
    expect(await answerTo(port, UPGRADE)).toBe('HTTP/1.1 200 OK');
  });
});
