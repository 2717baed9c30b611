// http-proxy whose upstream response outlives the client that it was for.
import http from 'node:http';
import httpProxy from 'http-proxy';
import { get } from '../../corpus/lib/peers.mjs';

const DRIP = 150 * 1024;

export default {
  'a-download-goes-on-without-its-client': {
    expect: {
      ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
      ...{ framework: 'http-proxy', reason: 'destination-failed' },
    },
    upstream: () =>
      http.createServer((_request, response) => {
        response.setHeader('connection', 'close');
        response.write('begin');
        setTimeout(() => response.end(Buffer.alloc(DRIP)), 400);
      }),
    program({ upstream }) {
      const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${upstream}` });
      proxy.on('error', (_error, _request, response) => response.destroy());
      return http.createServer((request, response) => proxy.web(request, response));
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/'));
      await visitor.hears('begin');
      await visitor.leave();
    },
    fix: [
      [
        'return http.createServer(',
        `proxy.on('proxyReq', (proxyReq, req, res) => res.once('close', () => proxyReq.destroy()));\n      return http.createServer(`,
      ],
    ],
    says: [`proxy.on('proxyReq', (proxyReq, req, res) => res.once('close', () => proxyReq.destroy()))`],
    healthy: (clients) => clients.ask({}, { body: `begin${'\0'.repeat(DRIP)}` }),
  },
};
