import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { programs } from '../../support/programs.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { get, stageOfEachTest } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
const UPGRADE = get('/live?token=secret', 'Connection: Upgrade\r\nUpgrade: feed\r\n');
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: feed\r\nConnection: Upgrade\r\n\r\n';

/** An http server that listens nowhere: others hand it their connections. */
function httpServer(upgraded: (socket: Socket) => void): http.Server {
  const server = http.createServer((_request, response) => response.end('plain'));
  return server.on('upgrade', (_request, socket: Socket) => {
    socket.write(SWITCHED);
    upgraded(socket);
  });
}

/** Looks at the first bytes of a connection before it hands it on. */
function multiplexer(to: http.Server): net.Server {
  return net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.once('readable', () => {
      const first: unknown = socket.read();
      if (first === null) return void socket.destroy();
      socket.unshift(first);
      to.emit('connection', socket);
      socket.resume();
    });
  });
}

describe('the leak of an upgraded socket names its request', () => {
  it('where a net server has handed the connection to http, also for the first one', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const port = await stage.listen(multiplexer(httpServer((socket) => socket.resume())));
    const client = await stage.connect(port);
    client.say(UPGRADE);
    await until('the upgrade', () => client.text.includes('101'));
    await client.close();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ side: 'inbound', cause: 'half-open-not-ended', method: 'GET', route: '/live' });
    expect(JSON.stringify(leak)).not.toContain('secret');
    expectKernelAgrees(leak);
  });

  it('where a tls server has', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    // A TLS socket ends itself when it is read to its end.
    const to = httpServer((socket) => socket.pause());
    const port = await stage.listen(tls.createServer(localhost, (socket) => void to.emit('connection', socket)));
    const client = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    stage.defer(() => client.destroy());
    let text = '';
    client.on('data', (chunk: Buffer) => (text += chunk.toString()));
    client.write(UPGRADE);
    await until('the upgrade', () => text.includes('101'));
    client.end('a first message');
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ method: 'GET', route: '/live' });
    expectKernelAgrees(leak);
  });

  it('where the parent has sent the connection', async () => {
    const child = fork(path.join(programs, 'sticky-worker.mjs'), [JSON.stringify(QUICK)], { stdio: 'ignore' });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'message');
    const told = once(child, 'message');
    const port = await stage.listen(net.createServer({ pauseOnConnect: true }, (socket) => child.send('take', socket)));
    const client = await stage.connect(port);
    client.say(UPGRADE);
    await until('the upgrade', () => client.text.includes('101'));
    client.say('a first message');
    await client.close();
    const [leak] = (await told) as [object];
    expect(leak).toMatchObject({ side: 'inbound', method: 'GET', route: '/live' });
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
  });
});

describe('a connection that a net server hands to http', () => {
  it('is silent while http closes it, has no listener of ours once it is upgraded, and none after close()', async () => {
    const accepted: Socket[] = [];
    const upgraded: Socket[] = [];
    const server = multiplexer(httpServer((socket) => upgraded.push(socket.resume())));
    server.on('connection', (socket) => accepted.push(socket));
    const port = await stage.listen(server);
    const say = async (request: string): Promise<void> => {
      const client = await stage.connect(port);
      client.say(request);
      await until('an answer', () => client.text.includes('HTTP/1.1'));
    };
    await say(UPGRADE);
    await say(get('/'));
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    await say(UPGRADE);
    await say(get('/'));
    expect(upgraded[1]!.eventNames()).toEqual(upgraded[0]!.eventNames());
    await stage.visit(port, get('/'));
    await until('http to close it', () => accepted.at(-1)!.destroyed);

    const controlPort = await stage.listen(net.createServer(() => {}));
    await stage.visit(controlPort, 'hello');
    await until('the control', () => seen.leaks.length > 0);
    expect(seen.leaks.map(({ localPort }) => localPort)).toEqual([controlPort]);
    guard.close();
    // Accepted: upgraded and plain without a guard, upgraded and plain with one.
    expect(accepted[3]!.eventNames()).toEqual(accepted[1]!.eventNames());
  });
});
