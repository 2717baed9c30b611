import { get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['@fastify/http-proxy@11', 'fastify@5'],
  app: 'fastify-http-proxy.mjs',
  requests: [
    get('/api/small'),
    get('/api/big', { large: true }),
    get('/api/never', { unanswered: true }),
    post('/api/small', { type: 'application/octet-stream' }),
    upgrade('/api/socket', { message: 'echo' }),
  ],
  routeOf: ({ path }) => (path.startsWith('/api/') ? '/api/*' : path),
  // Without a path where the connection was upgraded.
  destinations: ['http://127.0.0.1:UPSTREAM/*', '127.0.0.1:UPSTREAM'],
};
