// node:http servers that leak, alone and below Fastify and Express.
import express from 'express';
import Fastify from 'fastify';
import http from 'node:http';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post } from '../lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound' };
const onHttp = (method, route) => ({ server: /^http:\d+$/, method, route });
const kept = [];

export default {
  'upload-waits-for-a-lock': {
    expect: {
      ...inbound,
      cause: 'request-body-not-read',
      reason: 'not-touched',
      owner: onHttp('PUT', '/files/report.pdf'),
    },
    program: () =>
      http.createServer(async (req, res) => {
        const lock = new Promise((resolve) => (req.method === 'PUT' ? kept.push(req) : resolve()));
        await lock;
        req.pipe(createWriteStream('/dev/null')).on('finish', () => res.end());
      }),
    peer: (server) =>
      server.visit(post('/files/report.pdf?token=t0ps3cret', server.sizes.unreadBody).replace('POST', 'PUT')),
    fix: [
      [
        'await lock;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([lock, late])) === 'late') return res.writeHead(503, { connection: 'close' }).end();`,
      ],
    ],
    says: [`res.writeHead(503, { connection: 'close' }).end()`],
    healthy: (clients) => clients.ask({ method: 'POST', body: 'a file' }),
  },

  'upload-too-large-for-the-window': {
    expect: {
      ...inbound,
      kind: 'stalled',
      cause: 'request-body-not-read',
      reason: 'not-touched',
      owner: onHttp('POST', '/video'),
    },
    program: () => http.createServer((req, res) => kept.push(req, res)),
    async peer(server) {
      const visitor = await server.connect();
      visitor.socket.end(post('/video', server.sizes.flood));
    },
    fix: [['kept.push(req, res)', `setTimeout(() => res.writeHead(503, { connection: 'close' }).end(), 1_000)`]],
    says: [`res.writeHead(503, { connection: 'close' }).end()`],
    healthy: (clients) => clients.ask({}, { status: 503 }),
  },

  'half-open-http-and-no-answer': {
    expect: { ...inbound, cause: 'response-not-ended', owner: onHttp('GET', '/report') },
    program: () => {
      const server = http.createServer((req, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write('data: hello\n\n');
        if (req.url === '/once') res.end();
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
    fix: [['res.writeHead(', 'res.setTimeout(1_000, () => res.destroy());\nres.writeHead(']],
    says: ['() => res.destroy())'],
    healthy: (clients) => clients.ask({ path: '/once' }, { body: 'data: hello\n\n' }),
  },

  'first-of-a-pipeline-stays-unanswered': {
    expect: { ...inbound, cause: 'pipelined-behind-pending-response' },
    program: () =>
      http.createServer((req, res) => {
        if (req.url.startsWith('/slow')) kept.push(res);
        else res.end(Buffer.alloc(256 * 1024, 'p'));
      }),
    peer: (server) => server.visit(get('/slow') + get('/a') + get('/b') + get('/c')),
    fix: [['kept.push(res);', 'res.end();']],
    says: ['res.end()'],
    healthy: (clients) => clients.ask({ path: '/a' }, { body: 'p'.repeat(256 * 1024) }),
  },

  'archive-cannot-be-written-and-connection-stays': {
    expect: { ...inbound, cause: 'request-body-abandoned', owner: onHttp('POST', '/archive') },
    program: () => {
      const server = http.createServer((req, res) => {
        pipeline(req, createWriteStream('/proc/no-such-folder/archive'), (error) => {
          res.statusCode = error ? 507 : 201;
          res.end();
        });
      });
      server.keepAliveTimeout = 0;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      const request = post('/archive', 65_536 + 40_960);
      await visitor.send(request.slice(0, 65_536));
      await visitor.hears('507');
      // How much Node has read ahead of the failure is chance. It reads once more, and stops.
      await visitor.send(request.slice(65_536, 66_560));
      await sleep(150);
      await visitor.send(request.slice(66_560));
      await visitor.leave();
    },
    fix: [['res.end();', `if (error) res.setHeader('connection', 'close');\nres.end();`]],
    says: [`res.setHeader('connection', 'close')`],
    healthy: (clients) => clients.ask({ method: 'POST', body: 'a file' }, { status: 507 }),
  },

  'upgrade-to-a-protocol-of-its-own': {
    expect: { ...inbound, cause: 'half-open-not-ended', reason: 'upgrade-not-ended', owner: onHttp('GET', '/shell') },
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
    fix: [['(keys) => socket.write(keys));', `(keys) => socket.write(keys));\nsocket.on('end', () => socket.end());`]],
    says: ['socket.end()'],
  },

  'counts-bad-requests-and-leaves-them-open': {
    expect: {
      ...inbound,
      cause: 'half-open-not-ended',
      reason: 'client-error-listener',
      owner: { server: /^http:\d+$/ },
    },
    program: () => {
      const server = http.createServer((_request, response) => response.end());
      let bad = 0;
      server.on('clientError', () => bad++);
      return server;
    },
    peer: (server) => server.visit('GET /cut-off HTTP/1.1\r\nHost: corp'),
    fix: [['() => bad++', '(error, socket) => {\nbad++;\nsocket.destroy(error);\n}']],
    says: ['socket.destroy(error)'],
    healthy: (clients) => clients.ask({}),
  },

  'fastify-hijacked-upload': {
    expect: { ...inbound, cause: 'request-body-not-read', reason: 'not-touched', owner: onHttp('POST', /^\/import\//) },
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
    fix: [['kept.push(request.raw);', 'setTimeout(() => reply.raw.destroy(), 1_000);']],
    says: ['reply.raw.destroy()'],
  },

  'fastify-stream-body-awaits-something-else': {
    expect: { ...inbound, cause: 'request-body-not-read', reason: 'not-touched', owner: onHttp('POST', /^\/photos$/) },
    async program() {
      const app = Fastify({ bodyLimit: 10_000_000 });
      app.addContentTypeParser('*', (_request, body, done) => done(null, body));
      app.post('/photos', (request, reply) => new Promise((resolve) => kept.push(resolve, request, reply)));
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    peer: (server) => server.visit(post('/photos', server.sizes.unreadBody)),
    fix: [
      [
        'kept.push(resolve, request, reply)',
        `setTimeout(() => resolve(reply.code(503).header('connection', 'close').send()), 1_000)`,
      ],
    ],
    says: [`reply.code(503).header('connection', 'close').send()`],
    healthy: (clients) =>
      clients.ask(
        { method: 'POST', path: '/photos', headers: { 'content-type': 'image/png' }, body: 'a photo' },
        { status: 503 },
      ),
  },

  'express-middleware-forgets-next': {
    expect: { ...inbound, cause: 'request-body-not-read', reason: 'not-touched', owner: onHttp('POST', /^\/carts\//) },
    program: () => {
      const app = express();
      app.use((req, res, next) => {
        if (req.get('authorization')) next();
      });
      app.post('/carts/:cart', express.raw({ limit: '1mb' }), (_request, response) => response.end());
      return http.createServer(app);
    },
    peer: (server) => server.visit(post('/carts/9', server.sizes.unreadBody)),
    fix: [['next();', `next();\nelse res.writeHead(503, { connection: 'close' }).end();`]],
    says: [`res.writeHead(503, { connection: 'close' }).end()`],
    healthy: (clients) =>
      clients.ask({ method: 'POST', path: '/carts/9', headers: { authorization: 'yes' }, body: 'two apples' }),
  },
};
