import { JSON_BODY, LARGE, get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['next@16', 'react@19', 'react-dom@19'],
  mode: 'start',
  files: {
    'pages/index.js': 'export default function Page() { return "proof"; }',
    'pages/api/items/[id].js':
      'export default function handler(req, res) { res.json({ id: req.query.id, body: req.body }); }',
    'public/large.bin': LARGE,
    'package.json': '{ "private": true }',
    'next.config.mjs':
      'export default { async rewrites() { return [{ source: "/up/:path*", destination: `http://127.0.0.1:${process.env.UPSTREAM_PORT}/:path*` }]; } };',
  },
  env: { NEXT_TELEMETRY_DISABLED: '1' },
  prepare: ({ bin }) => [[bin('next'), 'build', '--webpack']],
  start: ({ port, bin }) => [bin('next'), 'start', '-H', '127.0.0.1', '-p', String(port)],
  requests: [
    get('/'),
    get('/large.bin', { large: true }),
    get('/up/big', { large: true }),
    post('/api/items/7', JSON_BODY),
    upgrade('/_next/webpack-hmr', { refused: true }),
  ],
  destinations: ['http://127.0.0.1:UPSTREAM/*'],
  routeOf: ({ path }) => (path === '/api/items/7' ? '/api/items/[id]' : path),
};
