// HTTP servers that are well, and that a hasty detector would accuse.
import Fastify from 'fastify';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post } from '../lib/peers.mjs';

const inbound = { side: 'inbound' };
const kept = [];

export default {
  'slow-report-for-a-client-that-half-closed': {
    expect: { ...inbound, silent: 'the answer comes before the deadline' },
    program: () => {
      const server = http.createServer((_request, response) => setTimeout(() => response.end('done'), 350));
      server.httpAllowHalfOpen = true;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/report', 'Connection: close\r\n'));
      await visitor.halfClose();
    },
  },

  'events-for-a-client-that-half-closed': {
    expect: { ...inbound, silent: 'each event is acknowledged', looksLike: 'close-wait' },
    program: () => {
      const server = http.createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const ticker = setInterval(() => response.write('data: tick\n\n'), 80);
        response.on('close', () => clearInterval(ticker));
      });
      server.httpAllowHalfOpen = true;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/events'));
      await visitor.hears('tick');
      await visitor.halfClose();
    },
  },

  'refuses-an-upload-without-reading-it': {
    expect: { ...inbound, silent: 'Node discards what is left of the body' },
    program: () =>
      http.createServer((_request, response) => {
        response.statusCode = 413;
        response.end('too large');
      }),
    peer: (server) => server.visit(post('/upload', server.sizes.unreadBody)),
  },

  'handler-that-never-answers-a-client-that-left': {
    expect: { ...inbound, silent: 'Node closes a connection whose client ends it' },
    program: () => http.createServer((_request, response) => kept.push(response)),
    peer: (server) => server.visit(get('/never')),
  },

  'keep-alive-between-two-requests': {
    expect: { ...inbound, silent: 'it is idle and open on both ends' },
    program: () => http.createServer((_request, response) => response.end('ok')),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/'));
      await visitor.hears('ok');
    },
  },

  'long-poll-with-its-client-there': {
    expect: { ...inbound, silent: 'the client waits too' },
    async program() {
      const app = Fastify();
      app.get('/poll', () => sleep(30_000));
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/poll'));
    },
  },

  'upload-that-is-worked-off': {
    expect: { ...inbound, silent: 'bytes of the body are taken all the time', looksLike: 'close-wait' },
    program: () =>
      http.createServer(async (request, response) => {
        kept.push(response);
        let taken = 0;
        request.on('readable', () => {});
        const worker = setInterval(() => (taken += request.read(256)?.length ?? 0), 60);
        request.on('close', () => clearInterval(worker));
      }),
    peer: (server) => server.visit(post('/rows', server.sizes.unreadBody)),
  },

  'bad-requests-are-closed': {
    expect: { ...inbound, silent: `the 'clientError' listener ends them` },
    program: () => {
      const server = http.createServer((_request, response) => response.end());
      server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return server;
    },
    peer: (server) => server.visit('GET /cut-off HTTP/1.1\r\nHost: corp'),
  },
};
