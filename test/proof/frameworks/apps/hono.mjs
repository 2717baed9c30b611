import { serve } from '@hono/node-server';
import { createGuard } from 'close-wait-guard';
import { Hono } from 'hono';
import { told } from './told.mjs';

const app = new Hono();
app.post('/albums/:album/photos/:id', async (c) => {
  // The fix goes here.
  await new Promise(() => {});
});
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(`port ${port}`));
const guard = createGuard(told);
guard.watch(server, {
  routeOf: ({ method, url }) => app.router.match(method, url.split('?')[0])[0].at(-1)?.[0][1].path,
});
