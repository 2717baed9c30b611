import Fastify from 'fastify';
import { createReadStream } from 'node:fs';

/**
 * A shop of ten routes. Five are here; the other five are in leaky.mjs, each with a bug, and in fixed.mjs, without.
 * @param {(app: import('fastify').FastifyInstance) => void} addRoutes
 * @param {import('fastify').FastifyServerOptions} [options]
 */
export function buildShop(addRoutes, options = {}) {
  const app = Fastify({ ...options });
  app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));
  app.addSchema({
    $id: 'product',
    type: 'object',
    required: ['name', 'price'],
    properties: { name: { type: 'string', minLength: 1, maxLength: 80 }, price: { type: 'number', minimum: 0 } },
  });
  const byId = { type: 'object', required: ['id'], properties: { id: { type: 'integer', minimum: 1 } } };

  app.get('/products', async () => [{ id: 1, name: 'umbrella', price: 12 }]);
  app.get('/products/:id', { schema: { params: byId } }, async (request) => ({ id: request.params.id }));
  app.post('/products', { schema: { body: { $ref: 'product#' } } }, async (request, reply) => {
    reply.code(201);
    return request.body;
  });
  app.delete('/products/:id', { schema: { params: byId } }, async (_request, reply) => reply.code(204).send());
  app.get('/source', (_request, reply) => {
    reply.type('text/javascript');
    return reply.send(createReadStream(new URL(import.meta.url)));
  });
  addRoutes(app);
  return app;
}
