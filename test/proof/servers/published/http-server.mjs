import { SITE, get, post } from '../requests.mjs';

// With a proxy for what is not in the folder.
export default {
  packages: ['http-server@14'],
  files: SITE,
  start: ({ port, bin, upstreamPort }) => [
    bin('http-server'),
    'site',
    '-p',
    String(port),
    '-c-1',
    '-s',
    '-P',
    `http://127.0.0.1:${upstreamPort}`,
  ],
  requests: [
    get('/index.html'),
    get('/large.bin', { large: true }),
    get('/big', { large: true }),
    get('/never', { unanswered: true }),
    post('/small'),
  ],
  destinations: ['http://127.0.0.1:UPSTREAM/*'],
};
