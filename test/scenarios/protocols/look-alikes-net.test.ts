import net, { type Socket } from 'node:net';
import { once } from 'node:events';
import { pipeline } from 'node:stream';
import { clearInterval, setInterval, setTimeout } from 'node:timers';
import { describe, expect } from 'vitest';
import { testScenarios } from '../../support/scenario.js';
import { until } from '../../support/until.js';

describe('a raw socket is no leak when', () => {
  testScenarios([
    {
      name: `it was paused in 'data' and nothing came after: Node sees the FIN all the same`,
      expect: { silent: 'closed' },
      play: async (stage) => {
        const port = await stage.listen(net.createServer((socket) => socket.on('data', () => socket.pause())));
        await stage.visit(port, 'hello');
        return port;
      },
    },
    {
      name: 'nobody reads it and its client said nothing',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const port = await stage.listen(net.createServer(() => {}));
        await stage.visit(port);
        return port;
      },
    },
    {
      name: 'stream.pipeline() joined it to a stream that died',
      expect: { silent: 'closed' },
      play: async (stage) => {
        let upstreamSide: Socket | undefined;
        const upstreamPort = await stage.listen(net.createServer((socket) => (upstreamSide = socket)));
        const proxy = net.createServer((socket) => {
          const upstream = net.connect(upstreamPort, '127.0.0.1');
          pipeline(socket, upstream, () => {});
          pipeline(upstream, socket, () => {});
        });
        const port = await stage.listen(proxy);
        const client = await stage.connect(port);
        client.say('first query');
        await until('the upstream server to hear of it', () => upstreamSide?.bytesRead);
        upstreamSide?.resetAndDestroy();
        await once(client.socket, 'end');
        client.socket.destroy();
        return port;
      },
    },
    {
      name: 'it is paused for a while and resumed',
      expect: { silent: 'closed' },
      closeWaitTimeout: 2_000,
      play: async (stage) => {
        let accepted: Socket | undefined;
        const server = net.createServer((socket) => {
          accepted = socket;
          socket.on('data', () => {
            socket.pause();
            setTimeout(() => socket.resume(), 400);
          });
        });
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say('first');
        await until('the server to pause', () => accepted?.isPaused());
        client.say('and more');
        await client.close();
        await once(accepted!, 'close');
        expect(accepted?.bytesRead).toBe(13);
        return port;
      },
    },
    {
      name: 'it still streams its answer to a client that sent its FIN',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const server = net.createServer({ allowHalfOpen: true }, (socket) => {
          socket.resume();
          socket.on('end', () => {
            let rest = 40;
            const timer = setInterval(() => {
              socket.write('x'.repeat(1000));
              if (--rest > 0) return;
              clearInterval(timer);
              socket.end();
            }, 30);
          });
        });
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say('get');
        await client.halfClose();
        await until('the whole answer', () => client.text.length === 40_000);
        return port;
      },
    },
    {
      name: 'a client that sent its FIN reads a long answer slowly',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const size = 8 * 1024 * 1024;
        const server = net.createServer({ allowHalfOpen: true }, (socket) => {
          socket.resume();
          socket.on('error', () => {});
          socket.on('end', () => socket.end(Buffer.alloc(size)));
        });
        const port = await stage.listen(server);
        const client = await stage.connect(port, '127.0.0.1', { read: false });
        client.say('get');
        await client.halfClose();
        let taken = 0;
        const timer = setInterval(() => (taken += (client.socket.read() as Buffer | null)?.length ?? 0), 8);
        stage.defer(() => clearInterval(timer));
        await until('the whole answer', () => taken === size);
        client.socket.destroy();
        return port;
      },
    },
  ]);
});
