/**
 * hapi: watch server.listener, and let the server say which route took a request.
 *
 *   npm install --no-save @hapi/hapi@21
 *   node examples/hapi.mjs
 *   head -c 100000 /dev/zero | curl -m 1 --data-binary @- http://127.0.0.1:3000/photos/7
 *
 * The same upload to /thumbnails/7 leaks nothing. (150000 bytes on Node 22 and later, see README.md.)
 */
import Hapi from '@hapi/hapi';
import { createGuard } from 'close-wait-guard';

const server = Hapi.server({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) });
const payload = { output: 'stream', parse: false, maxBytes: 10_000_000 };

server.route({
  method: 'POST',
  path: '/photos/{id}',
  options: { payload },
  // The bug: nobody reads request.payload, and this never settles.
  handler: () => new Promise(() => {}),
});

server.route({
  method: 'POST',
  path: '/thumbnails/{id}',
  options: { payload },
  async handler(request) {
    let bytes = 0;
    for await (const chunk of request.payload) bytes += chunk.length;
    return { id: request.params.id, bytes };
  },
});

await server.start();
console.log(`http://127.0.0.1:${server.info.port}`);

const guard = createGuard({ closeWaitTimeout: 2_000 }); // 60 s by default; short here, so that you need not wait
guard.watch(server.listener, {
  name: 'shop',
  routeOf: ({ method, url }) => server.match(method.toLowerCase(), url.split('?')[0])?.path,
});
guard.on('leak', (leak) => {
  console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
});
