// node:http servers that leak, alone and below Fastify and Express.
import express from 'express';
import Fastify from 'fastify';
import http from 'node:http';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { get, post } from '../lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound' };
const onHttp = (method, route) => ({ server: /^http:\d+$/, method, route });
const kept = [];

export default {
  'upload-waits-for-a-lock': {
    expect: { ...inbound, cause: 'request-body-not-read', owner: onHttp('PUT', '/files/report.pdf') },
    program: () =>
      http.createServer(async (request, response) => {
        await new Promise(() => kept.push(request));
        request.pipe(createWriteStream('/dev/null')).on('finish', () => response.end());
      }),
    peer: (server) =>
      server.visit(post('/files/report.pdf?token=t0ps3cret', server.sizes.unreadBody).replace('POST', 'PUT')),
  },

  'upload-too-large-for-the-window': {
    expect: { ...inbound, kind: 'stalled', cause: 'request-body-not-read', owner: onHttp('POST', '/video') },
    program: () => http.createServer((request) => kept.push(request)),
    async peer(server) {
      const visitor = await server.connect();
      visitor.socket.end(post('/video', server.sizes.flood));
    },
  },

  'half-open-http-and-no-answer': {
    expect: { ...inbound, cause: 'response-not-ended', owner: onHttp('GET', '/report') },
    program: () => {
      const server = http.createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: hello\n\n');
      });
      server.httpAllowHalfOpen = true;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/report?year=2026'));
      await visitor.hears('data: hello');
      await visitor.leave();
    },
  },

  'first-of-a-pipeline-stays-unanswered': {
    expect: { ...inbound, cause: 'pipelined-behind-pending-response' },
    program: () =>
      http.createServer((request, response) => {
        if (request.url.startsWith('/slow')) kept.push(response);
        else response.end(Buffer.alloc(256 * 1024, 'p'));
      }),
    peer: (server) => server.visit(get('/slow') + get('/a') + get('/b') + get('/c')),
  },

  'archive-cannot-be-written-and-connection-stays': {
    expect: { ...inbound, cause: 'request-body-abandoned', owner: onHttp('POST', '/archive') },
    program: () => {
      const server = http.createServer((request, response) => {
        pipeline(request, createWriteStream('/proc/no-such-folder/archive'), (error) => {
          response.statusCode = error ? 507 : 201;
          response.end();
        });
      });
      server.keepAliveTimeout = 0;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(post('/archive', server.sizes.abandonedBody));
      await visitor.hears('507');
      await visitor.leave();
    },
  },

  'upgrade-to-a-protocol-of-its-own': {
    expect: { ...inbound, cause: 'half-open-not-ended', owner: onHttp('GET', '/shell') },
    program: () => {
      const server = http.createServer();
      server.on('upgrade', (_request, socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shell\r\n\r\n$ ');
        socket.on('data', (keys) => socket.write(keys));
      });
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/shell?user=root', 'Connection: upgrade\r\nUpgrade: shell\r\n'));
      await visitor.hears('$ ');
      await visitor.leave();
    },
  },

  'counts-bad-requests-and-leaves-them-open': {
    expect: { ...inbound, cause: 'half-open-not-ended', owner: { server: /^http:\d+$/ } },
    program: () => {
      const server = http.createServer((_request, response) => response.end());
      let bad = 0;
      server.on('clientError', () => bad++);
      return server;
    },
    peer: (server) => server.visit('GET /cut-off HTTP/1.1\r\nHost: corp'),
  },

  'fastify-hijacked-upload': {
    expect: { ...inbound, cause: 'request-body-not-read', owner: onHttp('POST', /^\/import\//) },
    async program() {
      const app = Fastify({ bodyLimit: 10_000_000 });
      app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));
      app.post('/import/:id', (request, reply) => {
        reply.hijack();
        kept.push(request.raw);
      });
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    peer: (server) => server.visit(post('/import/17', server.sizes.unreadBody)),
  },

  'fastify-stream-body-awaits-something-else': {
    expect: { ...inbound, cause: 'request-body-not-read', owner: onHttp('POST', /^\/photos$/) },
    async program() {
      const app = Fastify({ bodyLimit: 10_000_000 });
      app.addContentTypeParser('*', (_request, body, done) => done(null, body));
      app.post('/photos', () => new Promise((resolve) => kept.push(resolve)));
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    peer: (server) => server.visit(post('/photos', server.sizes.unreadBody)),
  },

  'express-middleware-forgets-next': {
    expect: { ...inbound, cause: 'request-body-not-read', owner: onHttp('POST', /^\/carts\//) },
    program: () => {
      const app = express();
      app.use((request, _response, next) => {
        if (request.get('authorization')) next();
      });
      app.post('/carts/:cart', express.raw({ limit: '1mb' }), (_request, response) => response.end());
      return http.createServer(app);
    },
    peer: (server) => server.visit(post('/carts/9', server.sizes.unreadBody)),
  },
};
