import { JSON_BODY, SITE, get, post } from '../requests.mjs';

export default {
  packages: ['@hapi/hapi@21', '@hapi/inert@7'],
  mode: 'with inert',
  files: SITE,
  app: 'hapi.mjs',
  requests: [
    get('/index.html'),
    get('/large.bin', { large: true }),
    get('/poll', { poll: true }),
    post('/items', JSON_BODY),
    post('/stream', { type: 'application/octet-stream' }),
  ],
};
