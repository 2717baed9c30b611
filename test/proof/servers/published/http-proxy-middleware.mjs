import { get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['http-proxy-middleware@4', 'express@5'],
  app: 'http-proxy-middleware.mjs',
  requests: [
    get('/api/small'),
    get('/api/big', { large: true }),
    get('/api/never', { unanswered: true }),
    post('/api/small'),
    upgrade('/api/socket', { message: 'echo' }),
  ],
  // Without a path where the connection was upgraded.
  destinations: ['http://127.0.0.1:UPSTREAM/*', '127.0.0.1:UPSTREAM'],
};
