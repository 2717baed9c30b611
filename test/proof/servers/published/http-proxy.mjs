import { get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['http-proxy@1'],
  app: 'http-proxy.mjs',
  requests: [
    get('/small'),
    get('/big', { large: true }),
    get('/poll', { poll: true }),
    get('/never', { unanswered: true }),
    post('/small'),
    upgrade('/socket', { message: 'echo' }),
  ],
  // Without a path where the connection was upgraded.
  destinations: ['http://127.0.0.1:UPSTREAM/*', '127.0.0.1:UPSTREAM'],
};
