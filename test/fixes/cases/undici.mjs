// undici's calls whose response is not taken to its end.
import http from 'node:http';
import { pipeline as streamPipeline, Writable } from 'node:stream';
import { Agent, pipeline, request, stream } from 'undici';
import { answersWith } from '../../corpus/lib/peers.mjs';

const kept = [];
const unread = (reason) => ({
  ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
  ...{ framework: 'undici', reason },
});
const address = (port) => `http://127.0.0.1:${port}/v1/items`;
const upstream = (sizes) => http.createServer(answersWith(sizes.unreadByUndici));

/** Its Duplex reads ahead too, from Node 22 on more. undici 7 ends the process where all of it fits. */
const unreadByPipeline = ({ unreadByUndici, unreadBody }) => unreadByUndici + unreadBody - 106_496;

export default {
  'request-looks-at-the-headers-only': {
    expect: unread('not-touched'),
    upstream,
    async program({ upstream }) {
      const { headers, body } = await request(address(upstream), { dispatcher: new Agent() });
      kept.push(headers, body);
    },
    fix: [['kept.push(headers, body);', 'kept.push(headers, body); await body.dump();']],
    says: ['await body.dump()'],
  },

  'request-is-paused': {
    expect: unread('paused-by-reader'),
    upstream,
    async program({ upstream }) {
      const { body } = await request(address(upstream), { dispatcher: new Agent() });
      body.on('data', (chunk) => {
        kept.push(body, chunk);
        body.pause();
      });
    },
    fix: [['body.pause();', 'body.pause(); setTimeout(async () => { await body.dump(); }, 1_000);']],
    says: ['await body.dump()'],
  },

  'request-is-piped-to-what-fails': {
    expect: unread('destination-failed'),
    upstream,
    async program({ upstream }) {
      const { body } = await request(address(upstream), { dispatcher: new Agent() });
      const destination = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('disk full')) });
      destination.on('error', (error) => kept.push(body, error));
      const pipe = (from, to) => from.pipe(to);
      const callback = () => {};
      pipe(body, destination, callback);
    },
    fix: [
      ['const pipe = (from, to) => from.pipe(to);', 'const pipeline = streamPipeline;'],
      ['pipe(body, destination, callback);', 'pipeline(body, destination, callback);'],
    ],
    says: ['pipeline(body, destination, callback)'],
  },

  'stream-writes-to-what-takes-nothing': {
    expect: { ...unread('destination-stalled'), waitsFor: 'a stream (Writable)' },
    upstream: (sizes) => http.createServer(answersWith(sizes.unreadAnswer)),
    program({ upstream }) {
      const writable = new Writable({ write() {} });
      kept.push(writable);
      stream(address(upstream), { method: 'GET', dispatcher: new Agent() }, () => writable).catch((error) =>
        kept.push(error),
      );
    },
    // destroy the writable that the factory of stream() returned
    fix: [['kept.push(writable);', 'setTimeout(() => writable.destroy(), 1_000);']],
    says: ['destroy'],
  },

  'pipeline-is-not-read': {
    expect: unread('not-touched'),
    upstream: (sizes) => http.createServer(answersWith(unreadByPipeline(sizes))),
    program({ upstream }) {
      const duplex = pipeline(address(upstream), { method: 'GET', dispatcher: new Agent() }, ({ body }) => body);
      kept.push(duplex.end());
    },
    fix: [['kept.push(duplex.end());', 'kept.push(duplex.end().resume());']],
    says: ['resume()'],
  },
};

kept.push(streamPipeline);
