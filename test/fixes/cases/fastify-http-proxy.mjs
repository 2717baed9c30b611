// @fastify/http-proxy whose upstream takes nothing of an upload.
import proxy from '@fastify/http-proxy';
import Fastify from 'fastify';
import http from 'node:http';
import { post } from '../../corpus/lib/peers.mjs';

export default {
  'an-upload-waits-for-an-upstream-that-takes-nothing': {
    expect: {
      ...{ kind: 'stalled', side: 'inbound', cause: 'request-body-not-read', method: 'POST' },
      ...{ framework: 'fastify', reason: 'destination-stalled' },
    },
    upstream: () =>
      http.createServer((req, res) => {
        if (req.headers['content-type'] !== 'application/octet-stream') req.resume().on('end', () => res.end('taken'));
      }),
    async program({ upstream }) {
      const app = Fastify({ bodyLimit: 100_000_000 });
      await app.register(proxy, {
        upstream: `http://127.0.0.1:${upstream}`,
        replyOptions: {},
      });
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    async peer(server) {
      const visitor = await server.connect();
      visitor.socket.end(post('/items/7', server.sizes.flood));
    },
    // Its options for that.
    fix: [
      [
        'replyOptions: {},',
        'undici: { headersTimeout: 1_000 },\nreplyOptions: { onError: (reply) => reply.raw.destroy() },',
      ],
    ],
    says: ['headersTimeout', 'reply.raw.destroy()'],
    healthy: (clients) =>
      clients.ask(
        { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'an item\n'.repeat(20_000) },
        { body: 'taken' },
      ),
  },
};
