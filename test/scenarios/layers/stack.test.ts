import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type Server, type Socket } from 'node:net';
import { Pool } from 'undici';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/index.js';
import { layersOf } from '../../../src/layers/stack.js';
import { get, stageOfEachTest } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

describe('the layers above a socket', () => {
  const stage = stageOfEachTest();

  const names = (socket: Socket, side: 'inbound' | 'outbound' = 'inbound') =>
    layersOf(socket, side).map(({ name }) => name);

  /** A guard notes what stands above a socket, so it is there before the first connection. */
  async function listen(server: Server): Promise<{ port: number; accepted: Promise<Socket> }> {
    const guard = createGuard();
    stage.defer(() => guard.close());
    const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
    return { port: await stage.listen(server), accepted };
  }

  it('of a plain connection: its stream, which counts what was taken from it', async () => {
    const { port, accepted } = await listen(net.createServer());
    const client = await stage.connect(port);
    const socket = await accepted;
    client.say('hello');
    await until('the bytes', () => {
      socket.read(0);
      return layersOf(socket, 'inbound')[0].bufferedBytes() === 5;
    });
    expect(names(socket)).toEqual(['stream']);
    const [stream] = layersOf(socket, 'inbound');
    expect([stream.takenBytes(), stream.hasReader(), stream.pipedTo()]).toEqual([0, false, []]);
    expect(String(socket.read())).toBe('hello');
    expect([stream.takenBytes(), stream.bufferedBytes()]).toEqual([5, 0]);
    socket.on('data', () => {});
    expect(stream.hasReader()).toBe(true);
  });

  it('of HTTP/1: the request that is being answered', async () => {
    const server = http.createServer();
    const { port, accepted } = await listen(server);
    const client = await stage.connect(port);
    client.say(get('/orders?x=1'));
    await once(server, 'request');
    const socket = await accepted;
    expect(names(socket)).toEqual(['stream', 'http1']);
    expect(layersOf(socket, 'inbound').at(-1)?.request()).toMatchObject({ role: 'server', url: '/orders?x=1' });
  });

  it('of HTTP/1 over TLS: three', async () => {
    const server = https.createServer(localhost);
    const { port, accepted } = await listen(server);
    const request = https.get({ port, host: '127.0.0.1', path: '/tls', rejectUnauthorized: false });
    request.on('error', () => {});
    stage.defer(() => request.destroy());
    await once(server, 'request');
    expect(names(await accepted)).toEqual(['stream', 'tls', 'http1']);
  });

  it('of HTTP/2: its session, which is ended as a whole', async () => {
    const server = http2.createServer();
    const { port, accepted } = await listen(server);
    const session = http2.connect(`http://127.0.0.1:${port}`);
    stage.defer(() => session.destroy());
    const [serverSession] = (await once(server, 'session')) as [http2.ServerHttp2Session];
    const socket = await accepted;
    expect(names(socket)).toEqual(['stream', 'http2']);
    layersOf(socket, 'inbound').at(-1)?.end(new Error('not to be heard'));
    expect([serverSession.destroyed, socket.destroyed]).toEqual([true, true]);
  });

  it('of undici: the request on the connection, and whether its body is read', async () => {
    const server = http.createServer((_request, response) => response.write('the first of two'));
    const { port } = await listen(server);
    const pool = new Pool(`http://127.0.0.1:${port}`);
    stage.defer(() => pool.destroy());
    let socket: Socket | undefined;
    pool.on('connect', (_url, [, client]) => {
      const key = Reflect.ownKeys(client as object).find(
        (each) => String(each) === 'Symbol(undici socket)' || String(each) === 'Symbol(socket)',
      );
      socket = (client as unknown as Record<PropertyKey, Socket>)[key ?? ''];
    });
    const { body } = await pool.request({ path: '/stock', method: 'GET' });
    body.on('error', () => {});
    expect(socket, 'the socket of the pool').toBeDefined();
    expect(names(socket!, 'outbound')).toEqual(['stream', 'undici']);
    const undici = layersOf(socket!, 'outbound').at(-1);
    expect(undici?.request()).toMatchObject({ role: 'client', url: '/stock', responding: true });
    expect(undici?.hasReader()).toBe(false);
    body.on('data', () => {});
    expect(undici?.hasReader()).toBe(true);
  });
});
