// Hono on node-server: applications that leak, and what their reports tell to write.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { pipeline } from 'node:stream';
import { post } from '../../corpus/lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound', framework: 'hono' };
const notRead = { ...inbound, cause: 'request-body-not-read' };
const BODY = 'a body that is read\n'.repeat(20_000);
const stored = { method: 'POST', path: '/items/9', body: BODY, headers: { 'content-type': 'text/csv' } };

const uploads = (server) => server.visit(post('/items/7', server.sizes.unreadBody));
const longerUploads = (server) => server.visit(post('/items/7', server.sizes.abandonedBody));
const longUploads = async (server) => {
  const visitor = await server.connect();
  visitor.socket.end(post('/items/7', server.sizes.flood));
};
const isStuck = (c) => c.req.header('content-type') === 'application/octet-stream';

async function started(handler) {
  const app = new Hono();
  app.post('/items/:id', handler);
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  if (!server.listening) await once(server, 'listening');
  return server;
}

export default {
  'waits-before-it-reads': {
    expect: { ...notRead, reason: 'not-touched' },
    program: () =>
      started(async (c) => {
        const quota = new Promise((resolve) => isStuck(c) || setTimeout(resolve, 10, 'granted'));
        await quota;
        const body = await c.req.text();
        return c.text(`got ${body.length}`);
      }),
    peer: uploads,
    fix: [
      [
        'await quota;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([quota, late])) === 'late') return c.body(null, 503, { connection: 'close' });`,
      ],
    ],
    says: [`return c.body(null, 503, { connection: 'close' })`],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'takes-the-body-and-does-not-read-it': {
    expect: { ...notRead, kind: 'stalled', reason: 'web-stream-not-read' },
    program: () =>
      started(async (c) => {
        const body = c.req.raw.body;
        const scanned = new Promise((resolve) => isStuck(c) || resolve());
        await scanned;
        let bytes = 0;
        for await (const chunk of body) bytes += chunk.length;
        return c.text(`got ${bytes}`);
      }),
    peer: longUploads,
    fix: [
      [
        'await scanned;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([scanned, late])) === 'late') return c.body(null, 503, { connection: 'close' });`,
      ],
    ],
    says: [`return c.body(null, 503, { connection: 'close' })`],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'pauses-and-never-resumes': {
    expect: { ...notRead, reason: 'paused-by-reader' },
    program: () =>
      started(async (c) => {
        let bytes = 0;
        const { incoming } = c.env;
        incoming.on('data', (chunk) => {
          bytes += chunk.length;
          incoming.pause();
          if (!isStuck(c)) setImmediate(() => incoming.resume());
        });
        await once(incoming, 'end');
        return c.text(`got ${bytes}`);
      }),
    peer: (server) => server.visit(post('/items/7', server.sizes.begunBody)),
    fix: [['if (!isStuck(c)) setImmediate(() => incoming.resume());', 'setTimeout(() => c.env.incoming.resume(), 5);']],
    says: ['c.env.incoming.resume()'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'proxies-to-who-takes-nothing': {
    expect: { ...notRead, kind: 'stalled', reason: 'destination-stalled' },
    upstream: () =>
      http.createServer((req, res) => {
        if (req.url !== '/stuck') req.resume().on('end', () => res.end('taken'));
      }),
    program: ({ upstream: port }) =>
      started(async (c) => {
        const path = isStuck(c) ? '/stuck' : '/store';
        const upstream = http.request({ port, method: 'POST', path });
        upstream.on('error', () => {});
        c.env.incoming.pipe(upstream);
        const response = await new Promise((resolve) => upstream.on('response', resolve));
        response.resume();
        return c.text('taken');
      }),
    peer: longUploads,
    fix: [
      [
        'c.env.incoming.pipe(upstream);',
        'upstream.setTimeout(1_000, () => c.env.outgoing.destroy());\nc.env.incoming.pipe(upstream);',
      ],
    ],
    says: ['upstream.setTimeout(', ', () => c.env.outgoing.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'taken' }),
  },

  'pipes-into-a-file-that-cannot-be-written': {
    expect: { ...notRead, reason: 'destination-failed' },
    program: () =>
      started(async (c) => {
        const destination = createWriteStream(isStuck(c) ? '/dev/full' : '/dev/null');
        destination.on('error', (error) => console.log(error.code));
        c.env.incoming.pipe(destination);
        await new Promise((resolve) => destination.on('finish', resolve));
        return c.text('stored');
      }),
    peer: longerUploads,
    fix: [
      [
        'c.env.incoming.pipe(destination);',
        'pipeline(c.env.incoming, destination, (error) => error && c.env.outgoing.destroy());',
      ],
    ],
    says: ['pipeline(c.env.incoming, destination, (error) => error && c.env.outgoing.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'answers-when-the-disk-is-full': {
    expect: { ...inbound, cause: 'request-body-abandoned' },
    program: async () => {
      const server = await started(async (c) => {
        const file = createWriteStream(isStuck(c) ? '/dev/full' : '/dev/null');
        const error = await new Promise((resolve) => pipeline(c.env.incoming, file, resolve));
        return c.text('done', error ? 507 : 201);
      });
      server.keepAliveTimeout = 0;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(post('/items/7', server.sizes.abandonedBody));
      await visitor.hears('507');
      await visitor.leave();
    },
    fix: [['return c.text(', `if (error) c.header('connection', 'close');\nreturn c.text(`]],
    says: [`c.header('connection', 'close')`],
    healthy: (clients) => clients.ask(stored, { status: 201, body: 'done' }),
  },
};
