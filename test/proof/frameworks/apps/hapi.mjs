import Hapi from '@hapi/hapi';
import { createGuard } from 'close-wait-guard';
import { told } from './told.mjs';

const server = Hapi.server({ port: 0, host: '127.0.0.1' });
server.route({
  method: 'POST',
  path: '/albums/{album}/photos/{id}',
  options: { payload: { output: 'stream', parse: false } },
  async handler(request, h) {
    // The fix goes here.
    await new Promise(() => {});
  },
});
await server.start();
console.log(`port ${server.info.port}`);
const guard = createGuard(told);
guard.watch(server.listener, {
  routeOf: ({ method, url }) => server.match(method.toLowerCase(), url.split('?')[0])?.path,
});
