import { JSON_BODY, get, post } from '../requests.mjs';

export default {
  packages: ['fastify-cli@8', 'fastify@5'],
  app: 'fastify-cli.cjs',
  start: ({ port, bin }) => [
    bin('fastify-cli', 'fastify'),
    'start',
    '-p',
    String(port),
    '-l',
    'silent',
    'fastify-cli.cjs',
  ],
  requests: [
    get('/items/7'),
    get('/large', { large: true }),
    get('/never', { unanswered: true }),
    post('/items', JSON_BODY),
    post('/files/7', { type: 'application/octet-stream' }),
  ],
  routeOf: ({ path }) => ({ '/items/7': '/items/:id', '/files/7': '/files/:id' })[path] ?? path,
};
