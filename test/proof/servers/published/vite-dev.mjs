import { SITE, get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['vite@8'],
  mode: 'dev',
  files: {
    ...SITE,
    'site/main.js': 'console.log("proof");',
    'site/vite.config.js': `export default { server: { proxy: { '/api': { target: 'http://127.0.0.1:' + process.env.UPSTREAM_PORT, ws: true, rewrite: (path) => path.slice(4) } } } };`,
  },
  start: ({ port, bin }) => [bin('vite'), 'site', '--host', '127.0.0.1', '--port', String(port), '--strictPort'],
  requests: [
    get('/index.html'),
    get('/main.js'),
    get('/large.bin', { large: true }),
    get('/api/big', { large: true }),
    post('/api/small'),
    upgrade('/api/socket', { message: 'echo' }),
    upgrade('/', { headers: { 'Sec-WebSocket-Protocol': 'vite-ping' } }),
    upgrade('/nowhere', { refused: true }),
  ],
  // Without a path where the connection was upgraded.
  destinations: ['http://127.0.0.1:UPSTREAM/*', '127.0.0.1:UPSTREAM'],
};
