// fetch() whose response is not taken to its end.
import http from 'node:http';
import { answersWith } from '../../corpus/lib/peers.mjs';

const kept = [];
const unread = (reason) => ({
  ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
  ...{ framework: 'fetch', reason },
});
const address = (port, path = '/v1/items') => `http://127.0.0.1:${port}${path}`;
const upstream = (sizes) => http.createServer(answersWith(sizes.unreadByFetch));

/** undici opens a connection in place of one that was cancelled, and keeps it for so long. */
const KEPT_MS = 8_000;

export default {
  'looks-at-the-status-only': {
    expect: unread('not-touched'),
    upstream,
    async program({ upstream }) {
      const response = await fetch(address(upstream));
      kept.push(response.status, response);
    },
    fix: [
      ['kept.push(response.status, response);', 'kept.push(response.status, response); await response.body.cancel();'],
    ],
    goneWithinMs: KEPT_MS,
    says: ['await response.body.cancel()'],
  },

  'neither-branch-of-a-clone-is-read': {
    expect: unread('not-touched'),
    upstream,
    async program({ upstream }) {
      const response = await fetch(address(upstream));
      const branches = [response, response.clone()];
      kept.push(branches);
    },
    fix: [
      [
        'kept.push(branches);',
        'kept.push(branches); await Promise.all(branches.map(async (response) => { await response.body.cancel(); }));',
      ],
    ],
    goneWithinMs: KEPT_MS,
    says: ['await response.body.cancel()'],
  },

  'a-redirect-is-followed': {
    expect: unread('not-touched'),
    upstream: (sizes) =>
      http.createServer((request, response) => {
        if (request.url === '/new') return response.end('here');
        response.statusCode = 302;
        response.setHeader('location', '/new');
        answersWith(sizes.unreadByFetch)(request, response);
      }),
    async program({ upstream }) {
      const load = async (url) => {
        const response = await fetch(url, {});
        kept.push(response);
        return response;
      };
      const response = await load(address(upstream, '/old'));
      kept.push(await response.text());
    },
    fix: [
      ['fetch(url, {});', "fetch(url, { redirect: 'manual' });"],
      [
        'return response;',
        'const { status, headers } = response;\n        if (status < 300 || status > 399) return response;\n        await response.body.cancel();\n        return load(new URL(headers.get("location"), url));',
      ],
    ],
    goneWithinMs: KEPT_MS,
    says: ["redirect: 'manual'", 'await response.body.cancel()'],
  },

  'a-reader-reads-once': {
    expect: unread('iterator-stopped'),
    upstream: (sizes) => http.createServer(answersWith(sizes.unreadByUndici)),
    async program({ upstream }) {
      const response = await fetch(address(upstream));
      const reader = response.body.getReader();
      await reader.read();
      kept.push(response, reader);
    },
    fix: [['kept.push(response, reader);', 'kept.push(response, reader); await reader.cancel();']],
    goneWithinMs: KEPT_MS,
    says: ['await reader.cancel()'],
  },

  'a-loop-waits-for-ever': {
    expect: unread('iterator-stopped'),
    upstream: (sizes) => http.createServer(answersWith(sizes.unreadByUndici)),
    async program({ upstream }) {
      const response = await fetch(address(upstream));
      const save = () => new Promise((resolve) => kept.push(resolve, response));
      const load = async () => {
        for await (const chunk of response.body) {
          await save(chunk);
        }
      };
      void load();
    },
    fix: [
      [
        'await save(chunk);',
        'await Promise.race([save(chunk), new Promise((resolve) => setTimeout(resolve, 1_000))]); break;',
      ],
    ],
    goneWithinMs: KEPT_MS,
    says: ['break'],
  },
};
