import { get, upgrade } from '../requests.mjs';

// Registered in a child context, as in its documentation.
export default {
  packages: ['@fastify/websocket@11', 'fastify@5'],
  app: 'fastify-websocket.mjs',
  requests: [upgrade('/rooms/7', { message: 'hello' }), upgrade('/plain', { refused: true }), get('/plain')],
  routeOf: ({ path }) => path.replace(/^\/rooms\/7$/, '/rooms/:id'),
};
