// The measured server, forked with 'plain' or 'plugin'. Tells its port, then its CPU time whenever it is asked.
import fastify from 'fastify';

const server = fastify();
if (process.argv[2] === 'plugin') {
  const { default: closeWaitGuard } = await import('../dist/index.js');
  await server.register(closeWaitGuard);
}
// The least a route can do: whatever the guard adds to a request is as large a share of it as it can be.
server.get('/items/:id', async (request) => ({ id: request.params.id }));
await server.listen({ port: 0, host: '127.0.0.1' });

process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send({ port: server.server.address().port });
