// got.stream() that is not taken to its end.
import got from 'got';
import http from 'node:http';
import { once } from 'node:events';
import { pipeline, Writable } from 'node:stream';
import { answersWith } from '../../corpus/lib/peers.mjs';

const kept = [];
const unread = (reason) => ({
  ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
  ...{ framework: 'got', reason },
});
const address = (port) => `http://127.0.0.1:${port}/v1/items`;
const upstream = (sizes) => http.createServer(answersWith(sizes.abandonedBody));

export default {
  'looks-at-the-headers-only': {
    expect: unread('not-touched'),
    upstream,
    async program({ upstream }) {
      const stream = got.stream(address(upstream), { retry: { limit: 0 } });
      await once(stream, 'response');
      kept.push(stream);
    },
    fix: [['kept.push(stream);', 'stream.destroy();']],
    says: ['stream.destroy()'],
  },

  'its-destination-fails': {
    expect: unread('destination-failed'),
    upstream,
    async program({ upstream }) {
      const stream = got.stream(address(upstream), { retry: { limit: 0 } });
      const destination = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('disk full')) });
      destination.on('error', (error) => kept.push(stream, error));
      const callback = () => {};
      stream.pipe(destination, callback);
    },
    fix: [['stream.pipe(destination, callback);', 'pipeline(stream, destination, callback);']],
    says: ['pipeline(stream, destination, callback)'],
  },
};

kept.push(pipeline);
