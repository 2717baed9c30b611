import Fastify from 'fastify';

/** The app under test. LEAKY=1 gives it the bug that the tests are there to find. */
export function buildShop() {
  const app = Fastify();
  app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));
  app.post('/photos/:id', async (request) => {
    if (process.env.LEAKY === '1') await new Promise(() => {});
    let bytes = 0;
    for await (const chunk of request.body) bytes += chunk.length;
    return { bytes };
  });
  return app;
}
