// Koa applications that leak, and what their reports tell to write.
import Koa from 'koa';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { pipeline } from 'node:stream/promises';
import { post } from '../../corpus/lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound', framework: 'koa' };
const BODY = 'a body that is read\n'.repeat(20_000);

export default {
  'answers-when-the-disk-is-full': {
    expect: { ...inbound, cause: 'request-body-abandoned' },
    program: () => {
      const app = new Koa();
      app.silent = true;
      app.use(async (ctx) => {
        const file = ctx.get('content-type') ? '/dev/full' : '/dev/null';
        await pipeline(ctx.req, createWriteStream(file)).catch(() => {
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
};
