/**
 * Fastify: one line. Leaks go to the log and to /metrics; server.closeWaitGuard is the guard itself.
 *
 *   node examples/fastify.mjs
 *   head -c 100000 /dev/zero | curl -m 1 -H 'Content-Type: application/octet-stream' --data-binary @- http://127.0.0.1:3000/photos/7
 *   curl http://127.0.0.1:3000/metrics
 *
 * (150000 bytes on Node 22 and later, see README.md.)
 */
import closeWaitGuard from 'close-wait-guard';
import Fastify from 'fastify';

const app = Fastify({ logger: { level: 'warn' } });

// 60 s by default; short here, so that you need not wait.
await app.register(closeWaitGuard, { closeWaitTimeout: 2_000, metrics: { prefix: 'shop_' } });

app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));

app.post('/photos/:id', async (request) => {
  // The bug: nobody reads request.body, and this never settles. Delete this line, and nothing leaks.
  await new Promise(() => {});
  let bytes = 0;
  for await (const chunk of request.body) bytes += chunk.length;
  return { id: request.params.id, bytes };
});

// The same reports as in the log, for whatever else should hear of them.
app.closeWaitGuard.on('leak', ({ method, route, cause, fd }) => {
  console.log(`leaked: ${method} ${route}, ${cause}, fd ${fd}`);
});

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }));
