import axios from 'axios';
import got from 'got';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import tls from 'node:tls';
import { createGunzip } from 'node:zlib';
import { Agent, pipeline as undiciPipeline, ProxyAgent, request, stream } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answer,
  BODIES,
  digest,
  forwardProxy,
  playSlowReaders,
  responseOf,
  tunnel,
  type Body,
  type Outcome,
  type SlowReader,
} from '../../support/slow-responses.js';
import { Stage } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';

interface Ports {
  readonly http: number;
  readonly https: number;
  readonly http2: number;
  readonly proxy: number;
}

type Open = (path: string, ports: Ports) => Promise<Readable> | Readable;

const stage = new Stage();
afterAll(() => stage.clear());

const url = (path: string, { http: port }: Ports): string => `http://127.0.0.1:${port}${path}`;
const get = (path: string, ports: Ports) => responseOf(http.get(url(path, ports), { agent: false }));
const trusted = { ca: localhost.cert, servername: 'localhost' };

function undici(): Agent {
  // On Node 26 the default one is Node's own, which hides undici 7's body.
  const dispatcher = new Agent();
  stage.defer(() => dispatcher.destroy());
  return dispatcher;
}

async function axiosStream(from: string, maxRate?: [number, number]): Promise<Readable> {
  const { data } = await axios.get<Readable>(from, { responseType: 'stream', ...(maxRate && { maxRate }) });
  return data;
}

const READERS: Readonly<Record<string, Open>> = {
  'node:http': get,
  'node:http through a proxy': (path, ports) =>
    responseOf(http.get({ port: ports.proxy, host: '127.0.0.1', path: url(path, ports), agent: false })),
  'node:https': (path, { https: port }) => responseOf(https.get({ port, path, agent: false, ...trusted })),
  'node:https through a proxy': async (path, { https: port, proxy }) => {
    const socket = await tunnel(proxy, `127.0.0.1:${port}`);
    return responseOf(https.get({ path, createConnection: () => tls.connect({ socket, ...trusted }) }));
  },
  'a PassThrough, as node-fetch 2 gives it': async (path, ports) => (await get(path, ports)).pipe(new PassThrough()),
  'a pipeline through gunzip': async (path, ports) =>
    pipeline(await get(`${path}?gzip`, ports), createGunzip(), () => {}),
  'undici.request()': async (path, ports) => (await request(url(path, ports), { dispatcher: undici() })).body,
  'undici.stream()': (path, ports) =>
    new Promise((resolve, reject) => {
      const body = new PassThrough();
      stream(url(path, ports), { dispatcher: undici(), method: 'GET' }, () => {
        resolve(body);
        return body;
      }).catch(reject);
    }),
  'undici.pipeline()': (path, ports) =>
    undiciPipeline(url(path, ports), { dispatcher: undici(), method: 'GET' }, ({ body }) => body).end(),
  'undici through a proxy': async (path, { https: port, proxy }) => {
    const dispatcher = new ProxyAgent({ uri: `http://127.0.0.1:${proxy}`, requestTls: trusted });
    stage.defer(() => dispatcher.destroy());
    return (await request(`https://127.0.0.1:${port}${path}`, { dispatcher })).body;
  },
  'got.stream()': (path, ports) => got.stream(url(path, ports)),
  'got.stream(), compressed': (path, ports) => got.stream(url(`${path}?gzip`, ports)),
  axios: (path, ports) => axiosStream(url(path, ports)),
  'axios, compressed': (path, ports) => axiosStream(url(`${path}?gzip`, ports)),
  'axios with maxRate': (path, ports) => axiosStream(url(path, ports), [Infinity, 32 * 1024]),
  'node:http2': (path, { http2: port }) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    stage.defer(() => session.destroy());
    return session.request({ ':path': path });
  },
};

/** undici fails on a FIN behind which its reader waits; at its rate, axios would take minutes for the longer body. */
function bodiesFor(reader: string): readonly Body[] {
  if (reader.startsWith('undici')) return ['stays'];
  return reader.includes('maxRate') ? ['leaves'] : ['leaves', 'stays'];
}

const CASES = Object.entries(READERS).flatMap(([reader, open]) =>
  bodiesFor(reader).flatMap((body) =>
    (['4 kB', 'chunk'] as const).map((piece) => ({
      name: `${piece} at a time, server ${body}, ${reader}`,
      ...{ open, body, piece },
    })),
  ),
);

describe('a reader that pauses for less than the time-out is silent, and gets its last byte under reclaim', () => {
  let outcomes: ReadonlyMap<string, Outcome>;
  beforeAll(async () => {
    const ports: Ports = {
      http: await stage.listen(http.createServer(answer)),
      https: await stage.listen(https.createServer(localhost, answer)),
      http2: await stage.listen(http2.createServer(answer as never)),
      proxy: await forwardProxy(stage),
    };
    const readers = CASES.map(({ open, ...each }): SlowReader => ({ ...each, open: (path) => open(path, ports) }));
    outcomes = await playSlowReaders(stage, readers);
  }, 60_000);

  it.each(CASES)('$name', ({ name, body }) => {
    expect(outcomes.get(name)).toEqual({ said: [], digest: digest([BODIES[body]]) });
  });
});
