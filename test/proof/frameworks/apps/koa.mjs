import Router from '@koa/router';
import { createGuard } from 'close-wait-guard';
import Koa from 'koa';
import { told } from './told.mjs';

const router = new Router();
router.post('/albums/:album/photos/:id', async (ctx) => {
  // The fix goes here.
  await new Promise(() => {});
});
const app = new Koa();
app.use(router.routes());
const server = app.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
const guard = createGuard(told);
guard.watch(server, {
  routeOf: ({ method, url }) => router.match(url.split('?')[0], method).pathAndMethod.at(-1)?.path,
});
