// The measured server, forked with its kind and the dist/ that the plugin comes from. Tells its port, then its CPU time
// whenever it is asked. A 'preload' is preloaded by who forks it.
import fastify from 'fastify';
import fp from 'fastify-plugin';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const PLUGIN_OPTIONS = {
  plain: undefined,
  preload: undefined,
  loaded: undefined,
  'no-metrics': { metrics: false, metricsRoute: false },
  'no-timer': { sampleInterval: 3_600_000 },
  plugin: {},
  traced: { traceRequests: true },
  untraced: { traceRequests: false },
};

// A heap as applications have. V8's young generation grows with what survives in it, and stays half as large in a server
// that has nothing: the guard's 2 MB of code were enough to double it, and the comparison was one of two heaps.
export const catalogue = new Map(Array.from({ length: 200_000 }, (_, id) => [id, { id, name: `item ${id}` }]));

const [kind, dist] = process.argv.slice(2);
const options = PLUGIN_OPTIONS[kind];
const server = fastify();
if (kind === 'loaded') await Promise.all([import(new URL('index.js', dist).href), import('prom-client')]);
if (options) {
  const { default: closeWaitGuard } = await import(new URL('index.js', dist).href);
  await server.register(closeWaitGuard, options);
}
// What every application has: a plugin with a hook, and routes in a context of their own. Without them the comparison
// would charge the guard with the first hook's cost and with what the JIT makes of it.
await server.register(
  fp(async (app) => {
    app.addHook('onRequest', (request, reply, done) => done());
  }),
);
// And the least that a route can do: whatever the guard adds to a request is as large a share of it as it can be.
await server.register(async (routes) => {
  routes.get('/items/:id', async (request) => ({ id: request.params.id }));
});
await server.listen({ port: 0, host: '127.0.0.1' });

// What loading left behind is no part of a request, and both servers' heaps begin alike.
setFlagsFromString('--expose-gc');
runInNewContext('gc')();

process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send({ port: server.server.address().port });
