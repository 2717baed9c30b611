// The measured server, forked with 'plain', 'preload' or 'plugin', and the dist/ that the plugin comes from. Tells its port, then its CPU time whenever it is asked.
import fastify from 'fastify';
import fp from 'fastify-plugin';

const [kind, dist] = process.argv.slice(2);
const server = fastify();
if (kind === 'plugin') {
  const { default: closeWaitGuard } = await import(new URL('index.js', dist).href);
  await server.register(closeWaitGuard);
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

process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send({ port: server.server.address().port });
