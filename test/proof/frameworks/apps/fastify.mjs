import Fastify from 'fastify';

const app = Fastify();
app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
app.post('/albums/:album/photos/:id?', async (request, reply) => {
  // The fix goes here.
  await new Promise(() => {});
});
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`port ${app.server.address().port}`);
