const { Readable } = require('node:stream');

const piece = Buffer.alloc(64 * 1024, 'f');

module.exports = function app(fastify, options, done) {
  fastify.addContentTypeParser('application/octet-stream', (request, payload, done) => done(null, payload));
  fastify.get('/items/:id', async (request) => ({ id: request.params.id }));
  fastify.get('/large', async () => Readable.from(Array.from({ length: 400 }, () => piece)));
  fastify.get('/never', () => {});
  fastify.post('/items', async (request) => request.body);
  fastify.post('/files/:id', async (request) => {
    let bytes = 0;
    for await (const chunk of request.body) bytes += chunk.length;
    return { bytes };
  });
  done();
};
