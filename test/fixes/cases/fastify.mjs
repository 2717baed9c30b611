// Fastify applications that leak, and what their reports tell to write.
import Fastify from 'fastify';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { pipeline, Writable } from 'node:stream';
import { post } from '../../corpus/lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound' };
const notRead = { ...inbound, cause: 'request-body-not-read', framework: 'fastify' };
const BODY = 'a body that is read\n'.repeat(20_000);
const stored = { method: 'POST', path: '/items/9', body: BODY, headers: { 'content-type': 'text/csv' } };

const uploads = (server) => server.visit(post('/items/7', server.sizes.unreadBody));
const longerUploads = (server) => server.visit(post('/items/7', server.sizes.abandonedBody));
const isStuck = (request) => request.headers['content-type'] === 'application/octet-stream';

/** Bodies stay streams. */
async function started(route, options = {}) {
  const app = Fastify({ bodyLimit: 100_000_000, ...options });
  app.addContentTypeParser('*', (_request, body, done) => done(null, body));
  app.post('/items/:id', route);
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server;
}

export default {
  'waits-before-it-reads': {
    expect: { ...notRead, reason: 'not-touched', route: '/items/:id' },
    program: () =>
      started(async (request, reply) => {
        const quota = new Promise((resolve) => isStuck(request) || setTimeout(resolve, 10, 'granted'));
        await quota;
        for await (const chunk of request.body) void chunk;
        return reply.send('stored');
      }),
    peer: uploads,
    fix: [
      [
        'await quota;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([quota, late])) === 'late') return reply.code(503).header('connection', 'close').send();`,
      ],
    ],
    says: [`reply.code(503).header('connection', 'close').send()`],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'hijacks-an-upload': {
    expect: { ...notRead, reason: 'not-touched' },
    program: () =>
      started((request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
        reply.raw.write('data: hello\n\n');
        if (!isStuck(request)) reply.raw.end();
      }),
    peer: uploads,
    fix: [['if (!isStuck(request)) reply.raw.end();', 'setTimeout(() => reply.raw.end(), 1_000);']],
    says: ['reply.raw.end()'],
    healthy: (clients) => clients.ask(stored, { body: 'data: hello\n\n' }),
  },

  'pauses-and-never-resumes': {
    expect: { ...notRead, reason: 'paused-by-reader' },
    program: () =>
      started((request, reply) => {
        let bytes = 0;
        request.body.on('data', (chunk) => {
          bytes += chunk.length;
          request.raw.pause();
          if (!isStuck(request)) setImmediate(() => request.raw.resume());
        });
        request.body.on('end', () => reply.send(`got ${bytes}`));
      }),
    peer: (server) => server.visit(post('/items/7', server.sizes.begunBody)),
    fix: [
      [
        'if (!isStuck(request)) setImmediate(() => request.raw.resume());',
        'setTimeout(() => request.raw.resume(), 5);',
      ],
    ],
    says: ['request.raw.resume()'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'proxies-to-who-takes-nothing': {
    expect: { ...notRead, kind: 'stalled', reason: 'destination-stalled' },
    upstream: () =>
      http.createServer((req, res) => {
        if (req.url !== '/stuck') req.resume().on('end', () => res.end('taken'));
      }),
    program: ({ upstream: port }) =>
      started((request, reply) => {
        const path = isStuck(request) ? '/stuck' : '/store';
        const upstream = http.request({ port, method: 'POST', path });
        upstream.on('response', (response) => reply.send(response));
        upstream.on('error', () => reply.raw.destroy());
        request.body.pipe(upstream);
      }),
    async peer(server) {
      const visitor = await server.connect();
      visitor.socket.end(post('/items/7', server.sizes.flood));
    },
    fix: [
      [
        'request.body.pipe(upstream);',
        'upstream.setTimeout(1_000, () => reply.raw.destroy());\nrequest.body.pipe(upstream);',
      ],
    ],
    says: ['upstream.setTimeout(', ', () => reply.raw.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'taken' }),
  },

  'writes-to-who-never-calls-back': {
    expect: { ...notRead, reason: 'destination-stalled' },
    program: () =>
      started((request, reply) => {
        const store = new Writable({ write: (_chunk, _encoding, done) => isStuck(request) || done() });
        request.body.pipe(store).on('finish', () => reply.send('stored'));
      }),
    peer: longerUploads,
    fix: [
      [
        `request.body.pipe(store).on('finish', () => reply.send('stored'));`,
        `const limit = setTimeout(() => reply.raw.destroy(), 1_000);
         request.body.pipe(store).on('finish', () => (clearTimeout(limit), reply.send('stored')));`,
      ],
    ],
    says: ['reply.raw.destroy()'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'pipes-into-a-file-that-cannot-be-written': {
    expect: { ...notRead, reason: 'destination-failed' },
    program: () =>
      started((request, reply) => {
        const destination = createWriteStream(isStuck(request) ? '/dev/full' : '/dev/null');
        destination.on('error', (error) => request.log.error(error));
        destination.on('finish', () => reply.send('stored'));
        request.raw.pipe(destination);
      }),
    peer: longerUploads,
    fix: [
      [
        'request.raw.pipe(destination);',
        'pipeline(request.raw, destination, (error) => error && reply.raw.destroy());',
      ],
    ],
    says: ['pipeline(request.raw, destination, (error) => error && reply.raw.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'loops-over-the-body-and-waits': {
    expect: { ...notRead, reason: 'iterator-stopped' },
    program: () =>
      started(async (request, reply) => {
        let bytes = 0;
        for await (const chunk of request.body) {
          bytes += chunk.length;
          await new Promise((saved) => isStuck(request) || saved());
        }
        return reply.send(`got ${bytes}`);
      }),
    peer: (server) => server.visit(post('/items/7', server.sizes.begunBody)),
    fix: [
      [
        'for await (const chunk of request.body) {',
        `const limit = setTimeout(() => reply.raw.destroy(), 1_000);
        reply.raw.on('finish', () => clearTimeout(limit));
        for await (const chunk of request.body) {`,
      ],
    ],
    says: ['reply.raw.destroy()'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'answers-when-the-disk-is-full': {
    expect: { ...inbound, cause: 'request-body-abandoned' },
    program: () =>
      started(
        (request, reply) => {
          pipeline(request.body, createWriteStream(isStuck(request) ? '/dev/full' : '/dev/null'), (error) => {
            reply.code(error ? 507 : 201).send('done');
          });
        },
        { keepAliveTimeout: 0 },
      ),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(post('/items/7', server.sizes.abandonedBody));
      await visitor.hears('507');
      await visitor.leave();
    },
    fix: [['reply.code(', `if (error) reply.header('connection', 'close');\nreply.code(`]],
    says: [`reply.header('connection', 'close')`],
    healthy: (clients) => clients.ask(stored, { status: 201, body: 'done' }),
  },

  'client-error-handler-only-logs': {
    expect: { ...inbound, cause: 'half-open-not-ended', reason: 'client-error-listener' },
    program: () =>
      started((_request, reply) => reply.send('fine'), {
        clientErrorHandler(error, socket) {
          console.log(error.code, socket.remoteAddress);
        },
      }),
    peer: (server) => server.visit('GET /cut-off HTTP/1.1\r\nHost: corp'),
    fix: [['console.log(error.code, socket.remoteAddress);', 'socket.destroy(error);']],
    says: ['socket.destroy(error)'],
    healthy: (clients) => clients.ask(stored, { body: 'fine' }),
  },
};
