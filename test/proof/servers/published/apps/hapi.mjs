import path from 'node:path';
import Hapi from '@hapi/hapi';
import Inert from '@hapi/inert';

const server = Hapi.server({
  port: Number(process.env.PORT),
  host: '127.0.0.1',
  routes: { files: { relativeTo: path.resolve('site') } },
});
await server.register(Inert);
server.route([
  { method: 'GET', path: '/{file*}', handler: { directory: { path: '.' } } },
  { method: 'GET', path: '/poll', handler: () => new Promise((resolve) => setTimeout(resolve, 4000, 'at last')) },
  { method: 'POST', path: '/items', handler: (request) => request.payload },
  {
    method: 'POST',
    path: '/stream',
    options: { payload: { output: 'stream', parse: false, maxBytes: 1e8 } },
    async handler(request) {
      let bytes = 0;
      for await (const chunk of request.payload) bytes += chunk.length;
      return { bytes };
    },
  },
]);
await server.start();
