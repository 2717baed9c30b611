// HTTP clients that take a response and not its body, and the same clients used well.
import axios from 'axios';
import got from 'got';
import http from 'node:http';
import { once } from 'node:events';
import { pipeline } from 'node:stream';
import { Agent, request } from 'undici';
import { leftInTheMiddle } from '../lib/left-in-the-middle.mjs';
import { answersWith } from '../lib/peers.mjs';

const kept = [];
const outbound = (cause = 'response-body-not-read') => ({
  kind: 'close-wait',
  side: 'outbound',
  cause,
  owner: { method: 'GET', destination: /^http:\/\/127\.0\.0\.1:\d+\/v1\/items$/ },
});
const address = (port) => `http://127.0.0.1:${port}/v1/items?key=t0ps3cret`;
const answering = (size) => (sizes) => http.createServer(answersWith(sizes[size]));

export default {
  'http-get-looks-at-the-status-only': {
    expect: outbound(),
    upstream: answering('unreadAnswer'),
    program({ upstream }) {
      http.get(address(upstream), { agent: false }, (response) => kept.push(response.statusCode, response));
    },
    fix: [['kept.push(response.statusCode, response)', 'response.resume()']],
    says: ['response.resume()'],
  },

  'proxy-goes-on-without-its-client': {
    expect: outbound(),
    ...leftInTheMiddle(),
    program: ({ upstream }) =>
      http.createServer((_request, destination) => {
        http.get(address(upstream), { agent: false }, (response) => {
          kept.push(response);
          response.pipe(destination);
        });
      }),
    fix: [['response.pipe(destination);', 'const callback = () => {};\npipeline(response, destination, callback);']],
    says: ['pipeline(response, destination, callback)'],
  },

  'undici-looks-at-the-headers-only': {
    expect: outbound(),
    upstream: answering('unreadByUndici'),
    async program({ upstream }) {
      const { headers, body } = await request(address(upstream), { dispatcher: new Agent() });
      body.on('error', () => {});
      kept.push(headers, body);
    },
    fix: [['kept.push(headers, body);', 'kept.push(headers);\nawait body.dump();']],
    says: ['await body.dump()'],
  },

  'fetch-looks-at-ok-only': {
    expect: outbound(),
    upstream: answering('unreadByFetch'),
    async program({ upstream }) {
      const response = await fetch(address(upstream));
      kept.push(response.ok, response);
    },
    fix: [['kept.push(response.ok, response);', 'kept.push(response.ok);\nawait response.body.cancel();']],
    says: ['await response.body.cancel()'],
    // undici opens a connection in place of one that was cancelled, and keeps it for a while.
    goneWithinMs: 8_000,
  },

  'got-stream-nobody-reads': {
    expect: outbound(),
    upstream: answering('unreadAnswer'),
    async program({ upstream }) {
      const stream = got.stream(address(upstream), { retry: { limit: 0 } });
      stream.on('error', () => {});
      kept.push(stream);
      await once(stream, 'response');
    },
    fix: [[`await once(stream, 'response');`, `await once(stream, 'response');\nstream.destroy();`]],
    says: ['stream.destroy()'],
  },

  'axios-stream-nobody-reads': {
    expect: outbound(),
    upstream: answering('unreadAnswer'),
    async program({ upstream }) {
      const response = await axios.get(address(upstream), { responseType: 'stream' });
      response.data.on('error', () => {});
      kept.push(response);
    },
    fix: [['kept.push(response);', 'response.data.destroy();']],
    says: ['response.data.destroy()'],
  },

  'http-get-of-a-small-answer': {
    expect: { side: 'outbound', silent: 'Node reads ahead to the end' },
    upstream: () => http.createServer(answersWith(200)),
    program({ upstream }) {
      http.get(address(upstream), { agent: false }, (response) => kept.push(response));
    },
  },

  'undici-dumps-what-it-does-not-want': {
    expect: { side: 'outbound', silent: 'the body is read and thrown away' },
    upstream: answering('unreadByUndici'),
    async program({ upstream }) {
      const { body } = await request(address(upstream), { dispatcher: new Agent() });
      await body.dump({ limit: 1_048_576 });
    },
  },

  'fetch-cancels-the-body': {
    expect: { side: 'outbound', silent: 'the body is cancelled' },
    upstream: answering('unreadByFetch'),
    async program({ upstream }) {
      await (await fetch(address(upstream))).body.cancel();
    },
  },

  'got-and-axios-read-everything': {
    expect: { side: 'outbound', silent: 'both bodies are read to their end' },
    upstream: answering('unreadAnswer'),
    async program({ upstream }) {
      await got(address(upstream)).buffer();
      await axios.get(address(upstream), { responseType: 'arraybuffer' });
    },
  },

  'pool-of-idle-connections': {
    expect: { side: 'outbound', silent: 'they are kept for the next request' },
    upstream: () => http.createServer((_request, response) => response.end('ok')),
    async program({ upstream }) {
      const dispatcher = new Agent({ connections: 2 });
      kept.push(dispatcher);
      await Promise.all([1, 2].map(async () => (await request(address(upstream), { dispatcher })).body.text()));
    },
  },
};

// A fix types it in.
kept.push(pipeline);
