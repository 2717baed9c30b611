import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { createGuard } from '../../src/guard/guard.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { root } from './programs.js';
import type { Stage } from './stage.js';

/** Longer than the pauses of a slow reader, and much shorter than what it takes for all. */
const CLOSE_WAIT_TIMEOUT = 700;
const PAUSE_MS = 250;
/** How often it pauses, before it takes the rest at once. */
const PAUSES = 14;

/** Without any pattern, so that compression leaves it as long as it is. The same in each run. */
function noise(bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < bytes; i++) blocks.push(createHash('sha256').update(String(i)).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}

const KB = 1024;
export const BODIES = {
  /** More than all that stands above a socket holds together, and less than fills a receive window: the server has left. */
  leaves: noise(220 * KB),
  /** More than fills a receive window: the server waits. */
  stays: noise(4_000 * KB),
};
export type Body = keyof typeof BODIES;
/** 4 kB of what is there, or what comes as it comes. */
export type Piece = '4 kB' | 'chunk';

export function digest(data: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of data) hash.update(chunk);
  return hash.digest('hex');
}

async function readPieces(stream: Readable): Promise<Uint8Array[]> {
  const taken: Uint8Array[] = [];
  for (let i = 0; i < PAUSES; i++) {
    const chunk = stream.read(4_096) as Uint8Array | null;
    if (chunk) taken.push(chunk);
    await sleep(PAUSE_MS);
  }
  for await (const chunk of stream) taken.push(chunk as Uint8Array);
  return taken;
}

async function readChunks(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const taken: Uint8Array[] = [];
  for await (const chunk of stream) {
    taken.push(chunk);
    if (taken.length <= PAUSES) await sleep(PAUSE_MS);
  }
  return taken;
}

/** Answers `/leaves/…` and `/stays/…`, compressed where `gzip` is asked for. */
export const answer: http.RequestListener = ({ url = '' }, response) => {
  const leaves = url.startsWith('/leaves');
  if (leaves && response.req.httpVersionMajor === 1) response.setHeader('connection', 'close');
  const body = leaves ? BODIES.leaves : BODIES.stays;
  if (!url.endsWith('?gzip')) return response.end(body);
  response.setHeader('content-encoding', 'gzip');
  return response.end(gzipSync(body));
};

/** The port of a forward proxy in a process of its own: what it does with its sockets is not the test's. */
export async function forwardProxy(stage: Stage): Promise<number> {
  const child = fork(path.join(root, 'test/scenarios/layers/programs/forward-proxy.mjs'));
  stage.defer(() => child.kill());
  const [port] = (await once(child, 'message')) as [number];
  return port;
}

/** A connection through a forward proxy, to be given to TLS. */
export async function tunnel(proxy: number, target: string): Promise<Socket> {
  const call = http.request({ port: proxy, host: '127.0.0.1', method: 'CONNECT', path: target, agent: false }).end();
  const [, socket] = (await once(call, 'connect')) as [unknown, Socket];
  return socket;
}

export async function responseOf(call: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

export interface SlowReader {
  readonly name: string;
  readonly body: Body;
  readonly piece: Piece;
  /** Asks for a path and returns the response's body. */
  readonly open: (path: string) => Promise<Readable> | Readable;
}

/** What was reported and reclaimed of a reader, and whether it got its last byte. */
export interface Outcome {
  readonly said: readonly string[];
  readonly digest: string;
}

/** Plays all of them at once under a guard that reclaims: each takes some seconds. */
export async function playSlowReaders(stage: Stage, readers: readonly SlowReader[]): Promise<Map<string, Outcome>> {
  const guard = createGuard({ closeWaitTimeout: CLOSE_WAIT_TIMEOUT, sampleInterval: 50, reclaim: true });
  stage.defer(() => guard.close());
  const said: { readonly where: string; readonly what: string }[] = [];
  const note =
    (event: string) =>
    ({ side, destination, explanation }: LeakReport) => {
      if (side === 'outbound') said.push({ where: destination ?? '', what: `${event}: ${explanation}` });
    };
  guard.on('leak', note('leak'));
  guard.on('reclaimed', note('reclaimed'));
  const outcomes = readers.map(async ({ name, body, piece, open }, index): Promise<[string, Outcome]> => {
    const path = `/${body}/${index}/`;
    const read = async (): Promise<string> => {
      const stream = await open(path);
      return digest(await (piece === '4 kB' ? readPieces(stream) : readChunks(stream)));
    };
    const found = await read().catch((error: unknown) => String(error));
    return [name, { digest: found, said: said.filter(({ where }) => where.includes(path)).map(({ what }) => what) }];
  });
  return new Map(await Promise.all(outcomes));
}
