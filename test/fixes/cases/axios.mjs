// axios with responseType 'stream' whose response is not taken to its end.
import axios from 'axios';
import http from 'node:http';
import { pipeline, Writable } from 'node:stream';
import { answersWith } from '../../corpus/lib/peers.mjs';

const kept = [];
const unread = (reason) => ({
  ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
  ...{ framework: 'axios', reason },
});
const address = (port) => `http://127.0.0.1:${port}/v1/items`;
const upstream = (sizes) => http.createServer(answersWith(sizes.unreadAnswer));

export default {
  'looks-at-the-headers-only': {
    expect: unread('not-touched'),
    upstream,
    async program({ upstream }) {
      const response = await axios.get(address(upstream), { responseType: 'stream' });
      kept.push(response);
    },
    fix: [['kept.push(response);', 'response.data.destroy();']],
    says: ['response.data.destroy()'],
  },

  'throws-on-an-error-status': {
    expect: unread('not-touched'),
    upstream: (sizes) =>
      http.createServer((request, response) => {
        response.statusCode = 404;
        answersWith(sizes.unreadAnswer)(request, response);
      }),
    async program({ upstream }) {
      await axios.get(address(upstream), { responseType: 'stream' }).catch((error) => {
        kept.push(error);
      });
    },
    fix: [['kept.push(error);', 'error.response.data.destroy();']],
    says: ['error.response.data.destroy()'],
  },

  'without-redirects': {
    expect: unread('not-touched'),
    upstream,
    async program({ upstream }) {
      const response = await axios.get(address(upstream), { responseType: 'stream', maxRedirects: 0 });
      kept.push(response);
    },
    fix: [['kept.push(response);', 'response.data.destroy();']],
    says: ['response.data.destroy()'],
  },

  'its-destination-fails': {
    expect: unread('destination-failed'),
    upstream: (sizes) => http.createServer(answersWith(sizes.abandonedBody)),
    async program({ upstream }) {
      const response = await axios.get(address(upstream), { responseType: 'stream' });
      const destination = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('disk full')) });
      destination.on('error', (error) => kept.push(response, error));
      const callback = () => {};
      response.data.pipe(destination, callback);
    },
    fix: [['response.data.pipe(destination, callback);', 'pipeline(response.data, destination, callback);']],
    says: ['pipeline(response.data, destination, callback)'],
  },
};

kept.push(pipeline);
