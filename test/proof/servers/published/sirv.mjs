import { SITE, get, post } from '../requests.mjs';

export default {
  packages: ['sirv-cli@3'],
  files: SITE,
  start: ({ port, bin }) => [bin('sirv-cli', 'sirv'), 'site', '--host', '127.0.0.1', '--port', String(port), '--quiet'],
  requests: [get('/index.html'), get('/large.bin', { large: true }), post('/index.html')],
};
