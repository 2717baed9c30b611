import { once } from 'node:events';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import tls, { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { tlsAboveReads } from '../../../src/layers/node-internals.js';
import { layersOf } from '../../../src/layers/stack.js';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testScenarios } from '../../support/scenario.js';
import { stageOfEachTest, type Stage } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

const inbound = { kind: 'close-wait', side: 'inbound' } as const;
const outbound = { kind: 'close-wait', side: 'outbound', cause: 'paused' } as const;

/** Says that this end of a connection of `port` has got the FIN of the other. */
async function peerHasLeft(port: number, end: 'localPort' | 'remotePort'): Promise<void> {
  await until('the FIN to arrive', () =>
    kernelRows().some((row) => row[end] === port && row.state === CLOSE_WAIT && row.inode !== 0),
  );
}

/** A TLS server that sends this to each client, and leaves. */
function sends(stage: Stage, data: string | Buffer): Promise<number> {
  return stage.listen(tls.createServer(localhost, (socket) => socket.on('error', () => {}).end(data)));
}

/** TLS on a connected socket, as drivers of databases do it. */
async function secured(stage: Stage, port: number): Promise<TLSSocket> {
  const raw = net.connect(port, '127.0.0.1');
  stage.defer(() => raw.destroy());
  await once(raw, 'connect');
  const secure = tls.connect({ socket: raw, ca: localhost.cert, servername: 'localhost' });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  return secure;
}

/** A server that puts TLS on each socket that it accepts, as with STARTTLS. */
function startTls(options: net.ServerOpts, onSecure: (secure: TLSSocket) => void): net.Server {
  return net.createServer(options, (raw) => {
    const secure = new TLSSocket(raw, { isServer: true, ...localhost });
    secure.on('error', () => {});
    onSecure(secure);
  });
}

describe('TLS that nothing leads to leaks a socket when', () => {
  testScenarios([
    {
      name: 'a client has paused it: what came waits above the kernel, and shows nowhere',
      expect: { leak: { ...outbound, unreadKernelBytes: 0 } },
      play: async (stage) => {
        const port = await sends(stage, 'a row');
        (await secured(stage, port)).pause();
        await peerHasLeft(port, 'remotePort');
        return port;
      },
    },
    {
      name: 'nobody reads it and its buffer is full',
      expect: {
        leak: { ...outbound, explanation: expect.stringContaining('TLS that is paused or not read') as string },
      },
      play: async (stage) => {
        const port = await sends(stage, Buffer.alloc(120_000));
        const secure = await secured(stage, port);
        stage.defer(() => secure.destroy());
        await peerHasLeft(port, 'remotePort');
        return port;
      },
    },
    {
      name: 'a server has read it to its end and does not end it',
      expect: {
        leak: { ...inbound, cause: 'half-open-not-ended', explanation: expect.stringContaining('taken all') as string },
      },
      play: async (stage) => {
        const port = await stage.listen(startTls({ allowHalfOpen: true }, (secure) => secure.on('data', () => {})));
        const secure = await secured(stage, port);
        secure.on('data', () => {}).end('hello');
        await peerHasLeft(port, 'localPort');
        return port;
      },
    },
    {
      name: `a handshake timed out and the server's 'clientError' listener only ends it`,
      expect: {
        leak: {
          ...inbound,
          cause: 'half-open-not-ended',
          explanation: expect.stringContaining('never finished its TLS handshake') as string,
        },
      },
      play: async (stage) => {
        const server = https.createServer({ ...localhost, handshakeTimeout: 50 });
        server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        await once(server, 'clientError');
        await client.close();
        return port;
      },
    },
    {
      name: 'a multiplexer gave it to a TLS server, and the client left within its hello',
      expect: { leak: { ...inbound, cause: 'half-open-not-ended' } },
      play: async (stage) => {
        const secure = tls.createServer(localhost);
        const options = { pauseOnConnect: true, allowHalfOpen: true };
        const port = await stage.listen(net.createServer(options, (raw) => secure.emit('connection', raw)));
        await stage.visit(port, Buffer.from([0x16, 3, 1, 2, 0, 1]));
        return port;
      },
    },
  ]);
});

describe('TLS that nothing leads to is silent when', () => {
  testScenarios([
    {
      name: 'it ends with its peer, on both sides',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const port = await stage.listen(startTls({}, (secure) => secure.resume()));
        const secure = await secured(stage, port);
        secure.resume().end('bye');
        await once(secure, 'close');
        return port;
      },
    },
    {
      name: 'it idles, and both ends are there',
      expect: { silent: 'open' },
      play: async (stage) => {
        const port = await stage.listen(startTls({}, (secure) => secure.resume()));
        (await secured(stage, port)).resume();
        return port;
      },
    },
    {
      name: 'a handshake timed out and the server destroys the socket',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const server = tls.createServer({ ...localhost, handshakeTimeout: 50 });
        server.on('tlsClientError', (_error, socket) => socket.destroy());
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        await once(server, 'tlsClientError');
        await client.close();
        return port;
      },
    },
  ]);
});

describe('the layer of TLS that nothing leads to', () => {
  const stage = stageOfEachTest();

  it('is there while TLS is, and tells whether it reads', async () => {
    const accepted: Socket[] = [];
    const server = startTls({}, (secure) => secure.pause().write(Buffer.alloc(300_000)));
    server.on('connection', (raw) => accepted.push(raw));
    const port = await stage.listen(server);
    const secure = await secured(stage, port);
    const raw = (secure as unknown as { _parent: Socket })._parent;
    expect(layersOf(raw, 'outbound').map(({ name }) => name)).toEqual(['stream', 'tls']);
    expect(layersOf(raw, 'outbound').at(-1)?.hasReader(), 'it cannot be seen').toBeUndefined();
    await until('the buffer to be full', () => tlsAboveReads(raw) === false);
    secure.resume();
    await until('all to be read', () => tlsAboveReads(raw) === true);
    expect(tlsAboveReads(accepted[0]!)).toBe(true);
  });

  it('is not there on a plain socket, reading, paused or closed', async () => {
    const server = net.createServer();
    const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
    const client = await stage.connect(await stage.listen(server));
    const raw = await accepted;
    const seen = [tlsAboveReads(raw), tlsAboveReads(raw.pause()), tlsAboveReads(client.socket)];
    raw.destroy();
    expect([...seen, tlsAboveReads(raw)]).toEqual([undefined, undefined, undefined, undefined]);
  });
});
