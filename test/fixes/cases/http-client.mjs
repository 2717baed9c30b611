// Requests of node:http whose response is not taken to its end.
import http from 'node:http';
import { once } from 'node:events';
import { pipeline, Transform, Writable } from 'node:stream';
import { leftInTheMiddle } from '../../corpus/lib/left-in-the-middle.mjs';
import { answersWith, get } from '../../corpus/lib/peers.mjs';

const kept = [];
const unread = (reason) => ({
  ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
  ...{ framework: 'http', reason },
});
const address = (port) => `http://127.0.0.1:${port}/v1/items`;
const upstream = (sizes) => http.createServer(answersWith(sizes.unreadAnswer));
/** The same for one of which a reader takes its share. */
const halfRead = (sizes) => http.createServer(answersWith(sizes.abandonedBody));

export default {
  'looks-at-the-status-only': {
    expect: unread('not-touched'),
    upstream,
    program({ upstream }) {
      http.get(address(upstream), { agent: false }, (response) => {
        kept.push(response.statusCode, response);
      });
    },
    fix: [
      ['kept.push(response.statusCode, response);', 'kept.push(response.statusCode, response); response.resume();'],
    ],
    says: ['response.resume()'],
  },

  'throws-on-an-error-status': {
    expect: unread('not-touched'),
    upstream: (sizes) =>
      http.createServer((request, response) => {
        response.statusCode = 503;
        answersWith(sizes.unreadAnswer)(request, response);
      }),
    async program({ upstream }) {
      const load = async () => {
        const [response] = await once(http.get(address(upstream), { agent: false }), 'response');
        kept.push(response);
        if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
        return response;
      };
      await load().catch((error) => kept.push(error));
    },
    fix: [
      [
        'if (response.statusCode !== 200)',
        'if (response.statusCode !== 200) response.resume();\n        if (response.statusCode !== 200)',
      ],
    ],
    says: ['response.resume()'],
  },

  'pauses-and-does-not-resume': {
    expect: unread('paused-by-reader'),
    upstream: halfRead,
    async program({ upstream }) {
      const [response] = await once(http.get(address(upstream), { agent: false }), 'response');
      response.on('data', (chunk) => {
        kept.push(response, chunk);
        response.pause();
      });
    },
    fix: [['response.pause();', 'response.pause(); setTimeout(() => response.destroy(), 1_000);']],
    says: ['response.destroy()'],
  },

  'a-readable-listener-reads-once': {
    expect: unread('readable-left'),
    upstream,
    async program({ upstream }) {
      const [response] = await once(http.get(address(upstream), { agent: false }), 'response');
      response.on('readable', () => kept.push(response, response.read(10)));
    },
    fix: [['kept.push(response, response.read(10))', '{ while (response.read() !== null); }']],
    says: ['read()'],
  },

  'a-loop-waits-for-ever': {
    expect: unread('iterator-stopped'),
    upstream: halfRead,
    async program({ upstream }) {
      const [response] = await once(http.get(address(upstream), { agent: false }), 'response');
      const save = () => new Promise((resolve) => kept.push(resolve));
      const load = async () => {
        for await (const chunk of response) {
          kept.push(response);
          await save(chunk);
        }
      };
      void load();
    },
    fix: [
      [
        'await save(chunk);',
        'const timeOut = new Promise((resolve) => setTimeout(resolve, 1_000, "late"));\n          if ((await Promise.race([save(chunk), timeOut])) === "late") break;',
      ],
    ],
    says: ['break'],
  },

  'its-destination-takes-nothing': {
    expect: { ...unread('destination-stalled'), waitsFor: 'a stream (Writable)' },
    upstream: halfRead,
    async program({ upstream }) {
      const [response] = await once(http.get(address(upstream), { agent: false }), 'response');
      kept.push(response.pipe(new Writable({ write() {} })));
    },
    fix: [['kept.push(', 'setTimeout(() => response.destroy(), 1_000);\n      kept.push(']],
    says: ['response.destroy()'],
  },

  'nobody-reads-the-transform': {
    expect: { ...unread('destination-stalled'), waitsFor: 'a stream (Transform) that nobody reads' },
    upstream: halfRead,
    async program({ upstream }) {
      const [response] = await once(http.get(address(upstream), { agent: false }), 'response');
      const transform = new Transform({ transform: (chunk, _encoding, callback) => callback(null, chunk) });
      kept.push(response.pipe(transform));
    },
    fix: [['kept.push(', 'setTimeout(() => response.destroy(), 1_000);\n      kept.push(']],
    says: ['response.destroy()'],
  },

  'its-destination-fails': {
    expect: unread('destination-failed'),
    upstream: halfRead,
    async program({ upstream }) {
      const [response] = await once(http.get(address(upstream), { agent: false }), 'response');
      const destination = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('disk full')) });
      destination.on('error', (error) => kept.push(response, error));
      const callback = () => {};
      response.pipe(destination, callback);
    },
    fix: [['response.pipe(destination, callback);', 'pipeline(response, destination, callback);']],
    says: ['pipeline(response, destination, callback)'],
  },

  'is-piped-to-a-client-that-has-gone': {
    expect: unread('destination-failed'),
    upstream: halfRead,
    program: ({ upstream }) =>
      http.createServer((_request, destination) => {
        destination.once('close', () => {
          http.get(address(upstream), { agent: false }, (response) => {
            kept.push(response);
            const callback = () => {};
            response.pipe(destination, callback);
          });
        });
      }),
    peer: (server) => server.visit(get('/')),
    fix: [
      [
        'response.pipe(destination, callback);',
        'if (destination.destroyed) response.destroy();\nelse pipeline(response, destination, callback);',
      ],
    ],
    says: ['pipeline(response, destination, callback)', 'response.destroy()'],
  },

  'proxy-goes-on-without-its-client': {
    expect: unread('destination-failed'),
    ...leftInTheMiddle(),
    program: ({ upstream }) =>
      http.createServer((_request, destination) => {
        http.get(address(upstream), { agent: false }, (response) => {
          kept.push(response);
          const callback = () => {};
          response.pipe(destination, callback);
        });
      }),
    fix: [['response.pipe(destination, callback);', 'pipeline(response, destination, callback);']],
    says: ['pipeline(response, destination, callback)'],
  },
};

kept.push(pipeline);
