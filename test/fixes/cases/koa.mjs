// Koa applications that leak, and what their reports tell to write.
import Koa from 'koa';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { pipeline, Readable } from 'node:stream';
import { pipeline as piped } from 'node:stream/promises';
import { post } from '../../corpus/lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound', framework: 'koa' };
const notRead = { ...inbound, cause: 'request-body-not-read' };
const BODY = 'a body that is read\n'.repeat(20_000);
const stored = { method: 'POST', path: '/items/9', body: BODY };

const uploads = (server) => server.visit(post('/items/7', server.sizes.unreadBody));
const longerUploads = (server) => server.visit(post('/items/7', server.sizes.abandonedBody));
const longUploads = async (server) => {
  const visitor = await server.connect();
  visitor.socket.end(post('/items/7', server.sizes.flood));
};
const isStuck = (ctx) => ctx.get('content-type') !== '';

function started(middleware) {
  const app = new Koa();
  app.silent = true;
  app.use(middleware);
  return http.createServer(app.callback());
}

export default {
  'answers-when-the-disk-is-full': {
    expect: { ...inbound, cause: 'request-body-abandoned' },
    program: () => {
      const app = new Koa();
      app.silent = true;
      app.use(async (ctx) => {
        const file = ctx.get('content-type') ? '/dev/full' : '/dev/null';
        await piped(ctx.req, createWriteStream(file)).catch(() => {
          ctx.throw(507);
        });
        ctx.body = 'stored';
      });
      const server = http.createServer(app.callback());
      server.keepAliveTimeout = 0;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(post('/archive', server.sizes.abandonedBody));
      await visitor.hears('507');
      await visitor.leave();
    },
    fix: [['ctx.throw(507);', 'ctx.res.shouldKeepAlive = false;\nctx.throw(507);']],
    says: ['ctx.res.shouldKeepAlive = false'],
    healthy: (clients) => clients.ask({ method: 'POST', body: BODY }, { body: 'stored' }),
  },

  'waits-before-it-reads': {
    expect: { ...notRead, reason: 'not-touched' },
    program: () =>
      started(async (ctx) => {
        const quota = new Promise((resolve) => isStuck(ctx) || setTimeout(resolve, 10, 'granted'));
        await quota;
        await once(ctx.req.resume(), 'end');
        ctx.body = 'stored';
      }),
    peer: uploads,
    fix: [
      [
        'await quota;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([quota, late])) === 'late') ctx.throw(503, { headers: { connection: 'close' } });`,
      ],
    ],
    says: [`ctx.throw(503, { headers: { connection: 'close' } })`],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'puts-a-web-stream-on-the-body': {
    expect: { ...notRead, kind: 'stalled', reason: 'web-stream-not-read' },
    program: () =>
      started(async (ctx) => {
        const body = Readable.toWeb(ctx.req);
        const scanned = new Promise((resolve) => isStuck(ctx) || resolve());
        await scanned;
        let bytes = 0;
        for await (const chunk of body) bytes += chunk.length;
        ctx.body = `got ${bytes}`;
      }),
    peer: longUploads,
    fix: [
      [
        'await scanned;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([scanned, late])) === 'late') ctx.throw(503, { headers: { connection: 'close' } });`,
      ],
    ],
    says: [`ctx.throw(503, { headers: { connection: 'close' } })`],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'pauses-and-never-resumes': {
    expect: { ...notRead, reason: 'paused-by-reader' },
    program: () =>
      started(async (ctx) => {
        let bytes = 0;
        ctx.req.on('data', (chunk) => {
          bytes += chunk.length;
          ctx.req.pause();
          if (!isStuck(ctx)) setImmediate(() => ctx.req.resume());
        });
        await once(ctx.req, 'end');
        ctx.body = `got ${bytes}`;
      }),
    peer: (server) => server.visit(post('/items/7', server.sizes.begunBody)),
    fix: [['if (!isStuck(ctx)) setImmediate(() => ctx.req.resume());', 'setTimeout(() => ctx.req.resume(), 5);']],
    says: ['ctx.req.resume()'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'proxies-to-who-takes-nothing': {
    expect: { ...notRead, kind: 'stalled', reason: 'destination-stalled' },
    upstream: () =>
      http.createServer((req, res) => {
        if (req.url !== '/stuck') req.resume().on('end', () => res.end('taken'));
      }),
    program: ({ upstream: port }) =>
      started(async (ctx) => {
        const upstream = http.request({ port, method: 'POST', path: isStuck(ctx) ? '/stuck' : '/store' });
        upstream.on('error', () => {});
        ctx.req.pipe(upstream);
        ctx.body = await new Promise((resolve) => upstream.on('response', resolve));
      }),
    peer: longUploads,
    fix: [['ctx.req.pipe(upstream);', 'upstream.setTimeout(1_000, () => ctx.res.destroy());\nctx.req.pipe(upstream);']],
    says: ['upstream.setTimeout(', ', () => ctx.res.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'taken' }),
  },

  'pipes-into-a-file-that-cannot-be-written': {
    expect: { ...notRead, reason: 'destination-failed' },
    program: () =>
      started(async (ctx) => {
        const destination = createWriteStream(isStuck(ctx) ? '/dev/full' : '/dev/null');
        destination.on('error', (error) => console.log(error.code));
        ctx.req.pipe(destination);
        await new Promise((resolve) => destination.on('finish', resolve));
        ctx.body = 'stored';
      }),
    peer: longerUploads,
    fix: [['ctx.req.pipe(destination);', 'pipeline(ctx.req, destination, (error) => error && ctx.res.destroy());']],
    says: ['pipeline(ctx.req, destination, (error) => error && ctx.res.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },
};

// A fix types it in.
void pipeline;
