import { LARGE, get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['vite@8'],
  mode: 'preview',
  files: { 'dist/index.html': '<!doctype html><title>proof</title>', 'dist/large.bin': LARGE },
  start: ({ port, bin }) => [bin('vite'), 'preview', '--host', '127.0.0.1', '--port', String(port), '--strictPort'],
  requests: [
    get('/index.html'),
    get('/large.bin', { large: true }),
    post('/index.html'),
    upgrade('/index.html', { refused: true }),
  ],
};
