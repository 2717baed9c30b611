/**
 * Koa: watch the server that listen() returns, and let the router say which route took a request.
 *
 *   npm install --no-save koa@3 @koa/router@15
 *   node examples/koa.mjs
 *   head -c 100000 /dev/zero | curl -m 1 --data-binary @- http://127.0.0.1:3000/photos/7
 *
 * The same upload to /thumbnails/7 leaks nothing. (150000 bytes on Node 22 and later, see README.md.)
 */
import Router from '@koa/router';
import { createGuard } from 'close-wait-guard';
import Koa from 'koa';

const router = new Router();

router.post('/photos/:id', async () => {
  // The bug: the body is not read, and this never settles.
  await new Promise(() => {});
});

router.post('/thumbnails/:id', async (ctx) => {
  let bytes = 0;
  for await (const chunk of ctx.req) bytes += chunk.length;
  ctx.body = { id: ctx.params.id, bytes };
});

const app = new Koa();
app.use(router.routes());
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

const guard = createGuard({ closeWaitTimeout: 2_000 }); // 60 s by default; short here, so that you need not wait
guard.watch(server, {
  name: 'shop',
  routeOf: ({ method, url }) => router.match(url.split('?')[0], method).pathAndMethod.at(-1)?.path,
});
guard.on('leak', (leak) => {
  console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
});
