import net, { type Socket } from 'node:net';
import { describe } from 'vitest';
import { kernelRow } from '../../support/kernel-view.js';
import { testScenarios } from '../../support/scenario.js';
import { until } from '../../support/until.js';

const inbound = { kind: 'close-wait', side: 'inbound' } as const;

describe('a raw server leaks a socket when', () => {
  testScenarios([
    {
      name: 'nobody reads it and the client has said something',
      expect: { leak: { ...inbound, cause: 'never-read', method: undefined, route: undefined } },
      play: async (stage) => {
        const port = await stage.listen(net.createServer(() => {}));
        await stage.visit(port, 'EHLO mail.test\r\n');
        return { port, unread: 16 };
      },
    },
    {
      name: 'nobody reads it and the client has said more than a stream buffers',
      expect: { leak: { ...inbound, cause: 'never-read' } },
      play: async (stage) => {
        const port = await stage.listen(net.createServer(() => {}));
        await stage.visit(port, Buffer.alloc(100 * 1024, 'b'));
        return { port, unread: 100 * 1024 };
      },
    },
    {
      name: 'nobody reads it and it was unref()ed, so that no list of active handles has it',
      expect: { leak: { ...inbound, cause: 'never-read' } },
      play: async (stage) => {
        const port = await stage.listen(net.createServer((socket) => socket.unref()));
        await stage.visit(port, 'hello');
        return { port, unread: 5 };
      },
    },
    {
      name: `its 'data' handler pauses it and more arrives`,
      expect: { leak: { ...inbound, cause: 'paused' } },
      play: async (stage) => {
        let accepted: Socket | undefined;
        const server = net.createServer({ allowHalfOpen: true }, (socket) => {
          accepted = socket;
          socket.on('data', () => socket.pause());
          socket.on('end', () => socket.end());
        });
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say('first');
        await until('the server to pause', () => accepted?.isPaused());
        client.say('and more');
        await client.close();
        return { port, unread: 8 };
      },
    },
    {
      name: 'pauseOnConnect is set and nobody resumes it',
      expect: { leak: { ...inbound, cause: 'paused' } },
      play: async (stage) => {
        const server = net.createServer({ pauseOnConnect: true }, (socket) => socket.on('data', () => {}));
        const port = await stage.listen(server);
        await stage.visit(port);
        return { port, unread: 0 };
      },
    },
    {
      name: `allowHalfOpen is set and its 'end' handler forgets end()`,
      expect: { leak: { ...inbound, cause: 'half-open-not-ended' } },
      play: async (stage) => {
        const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.resume());
        const port = await stage.listen(server);
        await stage.visit(port, 'hello');
        return { port, unread: 0 };
      },
    },
    {
      name: 'the stream it was piped into died',
      expect: { leak: { ...inbound, cause: 'paused' } },
      play: async (stage) => {
        let upstreamSide: Socket | undefined;
        const upstreamPort = await stage.listen(net.createServer((socket) => (upstreamSide = socket)));
        let accepted: Socket | undefined;
        let upstream: Socket | undefined;
        const proxy = net.createServer((socket) => {
          accepted = socket;
          upstream = net.connect(upstreamPort, '127.0.0.1');
          upstream.on('error', () => {});
          socket.pipe(upstream).pipe(socket);
        });
        const port = await stage.listen(proxy);
        const client = await stage.connect(port);
        client.say('first query');
        await until('the upstream server to hear of it', () => upstreamSide?.bytesRead);
        upstreamSide?.resetAndDestroy();
        await until('the pipe to break', () => upstream?.destroyed);
        client.say('next query');
        await until('the query to wait', () => accepted!.readableLength > 0);
        await client.close();
        return { port, unread: 10 };
      },
    },
    {
      name: 'its handle was taken off it and left open',
      expect: { leak: { kind: 'close-wait', cause: 'detached-handle' } },
      play: async (stage) => {
        let handle: { close(): void; readStop(): void } | undefined;
        const server = net.createServer((socket) => {
          const owner = socket as unknown as { _handle: typeof handle | null };
          handle = owner._handle ?? undefined;
          handle?.readStop();
          owner._handle = null;
          socket.destroy();
        });
        const port = await stage.listen(server);
        await stage.visit(port, 'hello');
        return { port, release: () => handle?.close() };
      },
    },
    {
      name: 'the client sent its FIN, stopped reading, and the answer is stuck',
      expect: { leak: { ...inbound, cause: 'write-stalled' } },
      play: async (stage) => {
        const server = net.createServer({ allowHalfOpen: true }, (socket) => {
          socket.resume();
          socket.on('error', () => {});
          socket.on('end', () => socket.end(Buffer.alloc(20 * 1024 * 1024)));
        });
        const port = await stage.listen(server);
        const client = await stage.connect(port, '127.0.0.1', { read: false });
        client.say('get');
        await client.halfClose();
        return { port, unread: 0 };
      },
    },
  ]);
});

describe('an upload that fills the receive window, so that the FIN cannot arrive,', () => {
  testScenarios([
    {
      name: 'is a leak when nobody reads it',
      expect: { leak: { kind: 'stalled', side: 'inbound', cause: 'never-read', state: 'ESTABLISHED' } },
      play: async (stage) => {
        const port = await stage.listen(net.createServer(() => {}));
        const client = await stage.connect(port);
        client.socket.end(Buffer.alloc(8 * 1024 * 1024));
        await until('the window to be full', () => kernelRow(client.port, port)?.sendQueue);
        return { port };
      },
    },
  ]);
});

describe('an IPv6 socket is no different', () => {
  testScenarios([
    {
      name: 'nobody reads it',
      expect: { leak: { ...inbound, cause: 'never-read', localAddress: '::1', remoteAddress: '::1' } },
      play: async (stage) => {
        const port = await stage.listen(
          net.createServer(() => {}),
          '::1',
        );
        await stage.visit(port, 'hello', '::1');
        return { port, unread: 5 };
      },
    },
  ]);
});
