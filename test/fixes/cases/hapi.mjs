// hapi applications that leak, and what their reports tell to write.
import Hapi from '@hapi/hapi';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { pipeline } from 'node:stream';
import { post } from '../../corpus/lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound', framework: 'hapi' };
const notRead = { ...inbound, cause: 'request-body-not-read' };
const BODY = 'a body that is read\n'.repeat(20_000);
const stored = { method: 'POST', path: '/items/9', body: BODY, headers: { 'content-type': 'text/csv' } };

const uploads = (server) => server.visit(post('/items/7', server.sizes.unreadBody));
const longerUploads = (server) => server.visit(post('/items/7', server.sizes.abandonedBody));
const isStuck = (request) => request.headers['content-type'] === 'application/octet-stream';

/** Bodies stay streams. */
async function started(handler) {
  const app = Hapi.server({ port: 0, host: '127.0.0.1' });
  const payload = { output: 'stream', parse: false, maxBytes: 100_000_000 };
  app.route({ method: 'POST', path: '/items/{id}', options: { payload }, handler });
  await app.start();
  return app.listener;
}

export default {
  'waits-before-it-reads': {
    expect: { ...notRead, reason: 'not-touched' },
    program: () =>
      started(async (request, h) => {
        const quota = new Promise((resolve) => isStuck(request) || setTimeout(resolve, 10, 'granted'));
        await quota;
        for await (const chunk of request.payload) void chunk;
        return h.response('stored');
      }),
    peer: uploads,
    fix: [
      [
        'await quota;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([quota, late])) === 'late') return h.response().code(503).header('connection', 'close');`,
      ],
    ],
    says: [`return h.response().code(503).header('connection', 'close')`],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'pauses-and-never-resumes': {
    expect: { ...notRead, reason: 'paused-by-reader' },
    program: () =>
      started((request) => {
        let bytes = 0;
        request.raw.req.on('data', (chunk) => {
          bytes += chunk.length;
          request.raw.req.pause();
          if (!isStuck(request)) setImmediate(() => request.raw.req.resume());
        });
        return new Promise((resolve) => request.raw.req.on('end', () => resolve(`got ${bytes}`)));
      }),
    peer: (server) => server.visit(post('/items/7', server.sizes.begunBody)),
    fix: [
      [
        'if (!isStuck(request)) setImmediate(() => request.raw.req.resume());',
        'setTimeout(() => request.raw.req.resume(), 5);',
      ],
    ],
    says: ['request.raw.req.resume()'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'proxies-to-who-takes-nothing': {
    expect: { ...notRead, kind: 'stalled', reason: 'destination-stalled' },
    upstream: () =>
      http.createServer((req, res) => {
        if (req.url !== '/stuck') req.resume().on('end', () => res.end('taken'));
      }),
    program: ({ upstream: port }) =>
      started((request) => {
        const path = isStuck(request) ? '/stuck' : '/store';
        const upstream = http.request({ port, method: 'POST', path });
        upstream.on('error', () => {});
        request.raw.req.pipe(upstream);
        return new Promise((resolve) => upstream.on('response', resolve));
      }),
    async peer(server) {
      const visitor = await server.connect();
      visitor.socket.end(post('/items/7', server.sizes.flood));
    },
    fix: [
      [
        'request.raw.req.pipe(upstream);',
        'upstream.setTimeout(1_000, () => request.raw.res.destroy());\nrequest.raw.req.pipe(upstream);',
      ],
    ],
    says: ['upstream.setTimeout(', ', () => request.raw.res.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'taken' }),
  },

  'pipes-into-a-file-that-cannot-be-written': {
    expect: { ...notRead, reason: 'destination-failed' },
    program: () =>
      started((request) => {
        const destination = createWriteStream(isStuck(request) ? '/dev/full' : '/dev/null');
        destination.on('error', (error) => console.log(error.code));
        request.raw.req.pipe(destination);
        return new Promise((resolve) => destination.on('finish', () => resolve('stored')));
      }),
    peer: longerUploads,
    fix: [
      [
        'request.raw.req.pipe(destination);',
        'pipeline(request.raw.req, destination, (error) => error && request.raw.res.destroy());',
      ],
    ],
    says: ['pipeline(request.raw.req, destination, (error) => error && request.raw.res.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },
};

// A fix types it in.
void pipeline;
