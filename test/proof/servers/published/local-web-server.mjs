import { SITE, get, post } from '../requests.mjs';

export default {
  packages: ['local-web-server@5'],
  files: SITE,
  start: ({ port, bin, upstreamPort }) => [
    bin('local-web-server', 'ws'),
    '--port',
    String(port),
    '--hostname',
    '127.0.0.1',
    '--directory',
    'site',
    '--rewrite',
    `/api/(.*) -> http://127.0.0.1:${upstreamPort}/$1`,
  ],
  requests: [
    get('/index.html'),
    get('/large.bin', { large: true }),
    get('/api/big', { large: true }),
    post('/api/small'),
  ],
  destinations: ['http://127.0.0.1:UPSTREAM/*'],
};
