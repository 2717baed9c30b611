import { existsSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answer,
  BODIES,
  digest,
  forwardProxy,
  playSlowReaders,
  responseOf,
  type Outcome,
  type SlowReader,
} from '../../support/slow-responses.js';
import { Stage } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';

const folder = fileURLToPath(new URL('../../apis/clients', import.meta.url));
/** scripts/install-apis.mjs writes it when all is there. */
const missing = !existsSync(path.join(folder, 'node_modules', '.close-wait-guard'));

interface Ports {
  readonly http: number;
  readonly https: number;
  readonly proxy: number;
}

type Open = (path: string, ports: Ports) => Promise<Readable> | Readable;

/** A package as it is: each test knows of it what it uses. */
async function load<T>(name: string): Promise<T> {
  const file = createRequire(path.join(folder, 'package.json')).resolve(name);
  return (await import(pathToFileURL(file).href)) as T;
}

type NodeFetch = (url: string, options?: object) => Promise<{ readonly body: Readable }>;
const nodeFetch = (name: string) => async (from: string, options?: object) =>
  (await (await load<{ default: NodeFetch }>(name)).default(from, options)).body;

const url = (at: string, { http: port }: Ports): string => `http://127.0.0.1:${port}${at}`;

const READERS: Readonly<Record<string, Open>> = {
  'node-fetch 2': (at, ports) => nodeFetch('node-fetch-2')(url(at, ports)),
  'node-fetch 2, compressed': (at, ports) => nodeFetch('node-fetch-2')(url(`${at}?gzip`, ports)),
  'node-fetch 3': (at, ports) => nodeFetch('node-fetch-3')(url(at, ports)),
  'node-fetch 3, compressed': (at, ports) => nodeFetch('node-fetch-3')(url(`${at}?gzip`, ports)),
  'https-proxy-agent': async (at, { https: port, proxy }) => {
    const { HttpsProxyAgent } = await load<{ HttpsProxyAgent: new (url: string, options: object) => https.Agent }>(
      'https-proxy-agent',
    );
    const agent = new HttpsProxyAgent(`http://127.0.0.1:${proxy}`, {});
    return responseOf(https.get({ host: 'localhost', port, path: at, agent, ca: localhost.cert }));
  },
  'the HTTP handler of the AWS SDK': async (at, { http: port }) => {
    interface Handler {
      handle: (request: object) => Promise<{ response: { body: Readable } }>;
    }
    const { NodeHttpHandler } = await load<{ NodeHttpHandler: new () => Handler }>('@smithy/node-http-handler');
    const { HttpRequest } = await load<{ HttpRequest: new (request: object) => object }>('@smithy/protocol-http');
    const request = new HttpRequest({ protocol: 'http:', hostname: '127.0.0.1', port, path: at, method: 'GET' });
    return (await new NodeHttpHandler().handle(request)).response.body;
  },
  needle: async (at, ports) => {
    const needle = await load<{ default: { get: (url: string, options: object) => Readable } }>('needle');
    return needle.default.get(url(at, ports), { parse: false });
  },
  'superagent, piped': async (at, ports) => {
    const agent = await load<{ default: { get: (url: string) => { buffer: (on: boolean) => Readable } } }>(
      'superagent',
    );
    return agent.default.get(url(at, ports)).buffer(false).pipe(new PassThrough());
  },
};

const CASES = Object.entries(READERS).flatMap(([reader, open]) =>
  (['leaves', 'stays'] as const).flatMap((body) =>
    (['4 kB', 'chunk'] as const).map((piece) => ({
      name: `${piece} at a time, server ${body}, ${reader}`,
      ...{ open, body, piece },
    })),
  ),
);

describe('a published client that is read slowly is silent, and gets its last byte under reclaim', () => {
  const stage = new Stage();
  afterAll(() => stage.clear());
  let outcomes: ReadonlyMap<string, Outcome>;
  beforeAll(async () => {
    if (missing) return;
    const ports: Ports = {
      http: await stage.listen(http.createServer(answer)),
      https: await stage.listen(https.createServer(localhost, answer)),
      proxy: await forwardProxy(stage),
    };
    const readers = CASES.map(({ open, ...each }): SlowReader => ({ ...each, open: (at) => open(at, ports) }));
    outcomes = await playSlowReaders(stage, readers);
  }, 60_000);

  it.for(CASES)('$name', ({ name, body }, context) => {
    context.skip(missing, 'its packages are not there: node scripts/install-apis.mjs clients');
    expect(outcomes.get(name)).toEqual({ said: [], digest: digest([BODIES[body]]) });
  });
});
