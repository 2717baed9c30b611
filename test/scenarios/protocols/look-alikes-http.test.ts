import http from 'node:http';
import Fastify, { type RouteHandlerMethod } from 'fastify';
import { once } from 'node:events';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { describe, expect } from 'vitest';
import { listenApp } from '../../support/fastify-app.js';
import { testScenarios } from '../../support/scenario.js';
import { get, post, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';

const BODY = 120 * 1024;

describe('a socket of an http server is no leak when', () => {
  testScenarios([
    {
      name: 'its body was not read and the handler answered: Node discards the rest',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const server = http.createServer((_request, response) => {
          response.statusCode = 413;
          response.end();
        });
        const port = await stage.listen(server);
        await stage.visit(port, post('/upload', BODY));
        return port;
      },
    },
    {
      name: 'its body was read and the handler never answers',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const port = await stage.listen(http.createServer((incoming) => incoming.resume()));
        await stage.visit(port, post('/upload', BODY));
        return port;
      },
    },
    {
      name: `its 'clientError' listener destroys it`,
      expect: { silent: 'closed' },
      play: async (stage) => {
        const server = http.createServer((_request, response) => response.end('ok'));
        server.on('clientError', (error, socket) => socket.destroy(error));
        const port = await stage.listen(server);
        await stage.visit(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n');
        return port;
      },
    },
    {
      name: 'httpAllowHalfOpen is set and a slow handler answers after the FIN',
      expect: { silent: 'closed' },
      closeWaitTimeout: 2_000,
      play: async (stage) => {
        const server = http.createServer((_request, response) => void sleep(500).then(() => response.end('late')));
        (server as http.Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say(get('/slow', 'Connection: close\r\n'));
        await client.halfClose();
        await until('the late answer', () => client.text.endsWith('late'));
        return port;
      },
    },
    {
      name: 'a slow handler answers after its client is gone',
      expect: { silent: 'closed' },
      closeWaitTimeout: 2_000,
      play: async (stage) => {
        let answered = false;
        const server = http.createServer((_request, response) => {
          void sleep(400).then(() => {
            response.end('late');
            answered = true;
          });
        });
        const port = await stage.listen(server);
        await stage.visit(port, get('/slow'));
        await until('the answer', () => answered);
        return port;
      },
    },
    {
      name: 'the handler works through the backlog of a client that has left',
      expect: { silent: 'closed' },
      closeWaitTimeout: 1_000,
      play: async (stage) => {
        let worked = 0;
        const server = http.createServer((incoming, response) => {
          void (async () => {
            try {
              for await (const chunk of incoming as AsyncIterable<Buffer>) {
                await sleep(400);
                worked += chunk.length;
              }
            } catch {
              // The client has gone: Node says so once the body is read.
            }
            response.end('ok');
          })();
        });
        const port = await stage.listen(server);
        await stage.visit(port, post('/slow', 160_000));
        await until('most of the backlog', () => worked > 100_000);
        return port;
      },
    },
    {
      name: 'it is an idle keep-alive connection',
      expect: { silent: 'open' },
      play: async (stage) => {
        const port = await stage.listen(http.createServer((_request, response) => response.end('ok')));
        const clients = await Promise.all([1, 2, 3].map(() => stage.connect(port)));
        for (const client of clients) client.say(get('/'));
        await until('three answers', () => clients.every(({ text }) => text.includes('200 OK')));
        return port;
      },
    },
  ]);
});

describe('a Fastify socket is no leak when', () => {
  async function play(stage: Stage, handler: RouteHandlerMethod): Promise<number> {
    const app = Fastify();
    app.get('/', handler);
    const port = await listenApp(stage, app);
    await stage.visit(port, get('/'));
    return port;
  }

  testScenarios([
    {
      name: 'a GET handler hijacks its reply and never ends it',
      expect: { silent: 'closed' },
      play: (stage) =>
        play(stage, async (_request, reply) => {
          reply.hijack();
          reply.raw.writeHead(200);
          reply.raw.write('data: hi\n\n');
        }),
    },
    {
      name: 'a GET handler never answers',
      expect: { silent: 'closed' },
      play: (stage) => play(stage, () => new Promise(() => {})),
    },
  ]);
});

describe('a WebSocket is no leak when', () => {
  testScenarios([
    {
      name: 'it is read and its client is terminated',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const server = http.createServer();
        const sockets = new WebSocketServer({ server });
        stage.defer(() => sockets.close());
        let heard = 0;
        sockets.on('connection', (socket) => socket.on('error', () => {}).on('message', () => heard++));
        const port = await stage.listen(server);
        const client = new WebSocket(`ws://127.0.0.1:${port}/`);
        client.on('error', () => {});
        await once(client, 'open');
        client.send('1');
        client.send('2');
        await until('both messages', () => heard === 2);
        client.terminate();
        return port;
      },
    },
  ]);
});

describe('an outbound socket is no leak when', () => {
  const serving = (bytes: number): http.Server =>
    http.createServer((_request, response) => {
      response.setHeader('connection', 'close');
      response.end(Buffer.alloc(bytes));
    });

  testScenarios([
    {
      name: 'its unread answer fits into the buffers',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const port = await stage.listen(serving(5_000));
        const get = http.get({ port, host: '127.0.0.1', agent: false });
        const [response] = (await once(get, 'response')) as [http.IncomingMessage];
        expect(response.statusCode).toBe(200);
        return port;
      },
    },
    {
      name: 'undici dumped its answer',
      expect: { silent: 'closed' },
      play: async (stage) => {
        const port = await stage.listen(serving(300 * 1024));
        const { body } = await request(`http://127.0.0.1:${port}/`);
        // All of it: past its usual limit of 128 KiB undici ends the connection, and opens another.
        await body.dump({ limit: 1_000_000 });
        return port;
      },
    },
    {
      name: 'stream.pipeline() joined its answer to a client that left',
      expect: { silent: 'closed' },
      play: async (stage) => {
        let answer: http.ServerResponse | undefined;
        const upstream = http.createServer((_request, response) => {
          response.setHeader('connection', 'close');
          response.write('start');
          answer = response;
        });
        const port = await stage.listen(upstream);
        const proxy = http.createServer((_request, response) => {
          http
            .get({ port, host: '127.0.0.1', agent: false }, (received) => pipeline(received, response, () => {}))
            .on('error', () => {});
        });
        const client = await stage.connect(await stage.listen(proxy));
        client.say(get('/catalogue'));
        await until('the first bytes to come through', () => client.text.includes('start'));
        await client.close();
        await until('the upstream server to see it', () => answer?.destroyed);
        return port;
      },
    },
  ]);
});
