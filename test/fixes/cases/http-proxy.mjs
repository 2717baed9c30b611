// http-proxy whose upstream response outlives the client that it was for.
import http from 'node:http';
import httpProxy from 'http-proxy';
import { leftInTheMiddle } from '../../corpus/lib/left-in-the-middle.mjs';
import { post } from '../../corpus/lib/peers.mjs';

const kept = [];

export default {
  'a-download-goes-on-without-its-client': {
    expect: {
      ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
      ...{ framework: 'http-proxy', reason: 'destination-failed' },
    },
    ...leftInTheMiddle(),
    program({ upstream }) {
      const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${upstream}` });
      proxy.on('error', (_error, _request, response) => response.destroy());
      return http.createServer((request, response) => proxy.web(request, response));
    },
    fix: [
      [
        'return http.createServer(',
        `proxy.on('proxyReq', (proxyReq, req, res) => res.once('close', () => proxyReq.destroy()));\n      return http.createServer(`,
      ],
    ],
    says: [`proxy.on('proxyReq', (proxyReq, req, res) => res.once('close', () => proxyReq.destroy()))`],
  },

  'an-upload-waits-for-an-upstream-that-takes-nothing': {
    expect: {
      ...{ kind: 'stalled', side: 'inbound', cause: 'request-body-not-read', method: 'POST' },
      ...{ framework: 'http', reason: 'destination-stalled' },
    },
    upstream: () =>
      http.createServer((req, res) => {
        if (req.headers['content-type'] === undefined) req.resume().on('end', () => res.end('taken'));
      }),
    program({ upstream }) {
      const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${upstream}` });
      proxy.on('error', (error) => kept.push(error));
      return http.createServer((request, response) => proxy.web(request, response));
    },
    async peer(server) {
      const visitor = await server.connect();
      visitor.socket.end(post('/items/7', server.sizes.flood));
    },
    fix: [
      ['{ target:', '{ proxyTimeout: 1_000, target:'],
      [`proxy.on('error', (error) => kept.push(error));`, `proxy.on('error', (error, req, res) => res.destroy());`],
    ],
    says: ['proxyTimeout: ', `proxy.on('error', (error, req, res) => res.destroy())`],
    healthy: (clients) => clients.ask({ method: 'POST', body: 'an item\n'.repeat(20_000) }, { body: 'taken' }),
  },
};
