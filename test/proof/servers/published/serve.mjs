import { SITE, get, post } from '../requests.mjs';

export default {
  packages: ['serve@14'],
  files: SITE,
  start: ({ port, bin }) => [bin('serve'), '--no-clipboard', '-l', String(port), 'site'],
  requests: [get('/index.html'), get('/large.bin', { large: true }), get('/nowhere'), post('/index.html')],
};
