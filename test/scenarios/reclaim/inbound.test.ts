import Fastify from 'fastify';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import { describe } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { listenApp } from '../../support/fastify-app.js';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testScenarios } from '../../support/scenario.js';
import { closingOf, errorsOf } from '../../support/scenario-verdicts.js';
import { post } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

const inbound = { kind: 'close-wait', side: 'inbound' } as const;
const BODY = 160_000;

async function clientHasLeft(port: number): Promise<void> {
  await until('the FIN to arrive', () =>
    kernelRows().some(({ localPort, state, inode }) => localPort === port && state === CLOSE_WAIT && inode !== 0),
  );
}

describe('reclaim destroys', () => {
  testScenarios([
    {
      name: 'a socket that nobody reads, and its error listener is told why',
      expect: { reclaimed: { ...inbound, cause: 'never-read' } },
      play: async (stage) => {
        let accepted: Socket | undefined;
        const port = await stage.listen(net.createServer((socket) => (accepted = socket)));
        const client = await stage.connect(port);
        await until('the connection', () => accepted);
        const closing = { socket: closingOf(accepted!) };
        const errors = { socket: errorsOf(accepted!) };
        client.say('hello');
        await client.close();
        return { port, closing, errors };
      },
    },
    {
      name: 'a paused socket that has no error listener',
      expect: { reclaimed: { ...inbound, cause: 'paused' } },
      play: async (stage) => {
        let accepted: Socket | undefined;
        const server = net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket));
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        await until('the connection', () => accepted);
        const closing = { socket: closingOf(accepted!) };
        client.say('hello');
        await client.close();
        return { port, closing };
      },
    },
    {
      name: 'a request whose body was not read: request and response hear of it',
      expect: { reclaimed: { ...inbound, cause: 'request-body-not-read', method: 'POST', route: '/upload' } },
      play: async (stage) => {
        let exchange: [IncomingMessage, ServerResponse] | undefined;
        const server = http.createServer((request, response) => (exchange = [request, response]));
        const clientErrors: unknown[] = [];
        server.on('clientError', (error) => clientErrors.push(error));
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say(post('/upload', BODY));
        await until('the request', () => exchange);
        const [request, response] = exchange!;
        const closing = {
          request: closingOf(request),
          response: closingOf(response),
          socket: closingOf(request.socket),
        };
        await client.close();
        return { port, closing, errors: { 'server (clientError)': clientErrors } };
      },
    },
    {
      name: 'the socket of a hijacked Fastify reply',
      expect: { reclaimed: { ...inbound, cause: 'request-body-not-read', method: 'POST', route: '/events' } },
      play: async (stage) => {
        const app = Fastify({ bodyLimit: 1e9 });
        app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
        let response: ServerResponse | undefined;
        app.post('/events', async (_request, reply) => {
          reply.hijack();
          response = reply.raw;
        });
        const port = await listenApp(stage, app);
        const client = await stage.connect(port);
        client.say(post('/events', BODY));
        await until('the request', () => response);
        const closing = { response: closingOf(response!), socket: closingOf(response!.socket!) };
        await client.close();
        return { port, closing };
      },
    },
    {
      name: 'a TLS socket that is paused, with the raw one under it',
      expect: { reclaimed: { ...inbound, cause: 'paused' } },
      play: async (stage) => {
        let accepted: tls.TLSSocket | undefined;
        const server = tls.createServer(localhost, (socket) => {
          accepted = socket;
          socket.once('data', () => socket.pause());
        });
        const port = await stage.listen(server);
        const client = tls.connect({ port, host: '127.0.0.1', ca: localhost.cert, servername: 'localhost' });
        stage.defer(() => client.destroy());
        // One that closes with something unread (a session ticket, say) sends a RST and no FIN.
        client.on('error', () => {}).resume();
        await once(client, 'secureConnect');
        client.write('hello');
        await until('the server to pause', () => accepted?.isPaused());
        const closing = { 'TLS socket': closingOf(accepted!) };
        const errors = { 'TLS socket': errorsOf(accepted!) };
        client.end('and more');
        await clientHasLeft(port);
        return { port, closing, errors };
      },
    },
    {
      name: 'a WebSocket that is paused',
      expect: { reclaimed: { ...inbound, cause: 'paused', route: '/live' } },
      play: async (stage) => {
        let accepted: WebSocket | undefined;
        const server = http.createServer();
        const sockets = new WebSocketServer({ server });
        stage.defer(() => sockets.close());
        sockets.on('connection', (socket) => {
          accepted = socket;
          socket.on('message', () => socket.pause());
        });
        const port = await stage.listen(server);
        const client = new WebSocket(`ws://127.0.0.1:${port}/live`);
        client.on('error', () => {});
        await once(client, 'open');
        client.send('1');
        await until('the server to pause', () => accepted?.isPaused);
        const closing = { WebSocket: closingOf(accepted!) };
        client.send('2');
        client.terminate();
        await clientHasLeft(port);
        return { port, closing };
      },
    },
  ]);
});
