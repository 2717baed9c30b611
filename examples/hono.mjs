/**
 * Hono on @hono/node-server: watch the server that serve() returns, and let the router say which route took a request.
 *
 *   npm install --no-save hono@4 @hono/node-server@2
 *   node examples/hono.mjs
 *   head -c 100000 /dev/zero | curl -m 1 --data-binary @- http://127.0.0.1:3000/photos/7
 *
 * The same upload to /thumbnails/7 leaks nothing. (150000 bytes on Node 22 and later, see README.md.)
 */
import { serve } from '@hono/node-server';
import { createGuard } from 'close-wait-guard';
import { Hono } from 'hono';

const app = new Hono();

app.post('/photos/:id', async () => {
  // The bug: the body is not read, and this never settles.
  await new Promise(() => {});
});

app.post('/thumbnails/:id', async (c) => {
  const { byteLength } = await c.req.arrayBuffer();
  return c.json({ id: c.req.param('id'), bytes: byteLength });
});

const port = Number(process.env.PORT ?? 3000);
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => {
  console.log(`http://127.0.0.1:${address.port}`);
});

const guard = createGuard({ closeWaitTimeout: 2_000 }); // 60 s by default; short here, so that you need not wait
guard.watch(server, {
  name: 'shop',
  routeOf: ({ method, url }) => app.router.match(method, url.split('?')[0])[0].at(-1)?.[0][1].path,
});
guard.on('leak', (leak) => {
  console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
});
