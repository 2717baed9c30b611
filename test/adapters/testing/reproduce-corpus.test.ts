import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Server } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { followFastifyRoutes } from '../../../src/frameworks/fastify/channel.js';
import { hangUp, reproduce, type LeakReport } from '../../../src/testing.js';
import { guardOn } from '../../support/guarded-server.js';
import { expectKernelAgrees, follow, portOf } from '../../support/reports.js';
import { stageOfEachTest, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';

type Program = Pick<Server, 'address' | 'listening'> & Partial<Server>;

/** As test/corpus/README.md has it, as far as it is played here. */
interface Scenario {
  readonly expect: { readonly silent?: string; readonly side?: string; readonly cause?: string | readonly string[] };
  readonly upstream?: (sizes: object) => Server;
  /** What it returns need not be a server: a worker's is only its address. */
  readonly program: (given: { upstream: number }) => Promise<Program | undefined> | Program | undefined;
  readonly peer?: (peers: object) => Promise<void>;
}

const corpus = new URL('../../corpus/', import.meta.url);
const { Peers, sizesFor } = (await import(new URL('lib/peers.mjs', corpus).href)) as {
  Peers: new (port: number | undefined, sizes: object) => { end: () => void };
  sizesFor: (highWaterMark: number) => object;
};
const leaks: [string, Scenario][] = [];
for (const file of readdirSync(new URL('cases/', corpus)).sort()) {
  const { default: cases } = (await import(new URL(`cases/${file}`, corpus).href)) as { default: object };
  for (const [name, scenario] of Object.entries(cases) as [string, Scenario][])
    if (scenario.expect.silent === undefined) leaks.push([`${file.replace('.mjs', '')}/${name}`, scenario]);
}

/** Reports of these name no request that could be made again, and why. */
const NO_REQUEST: Readonly<Record<string, RegExp>> = {
  'http/first-of-a-pipeline-stays-unanswered': /it takes several requests, of which the report names one/,
  'elsewhere/worker-thread-without-the-guard': /no socket of the thread it was found in names a request/,
  'net/pauses-for-a-job-that-never-ends': /it was paused after some bytes had been read/,
  'net/pipes-into-a-file-that-cannot-be-written': /it was paused after some bytes had been read/,
  'secure/handshake-that-took-too-long-is-answered': /its TLS handshake had not ended/,
  'secure/tls-session-paused': /it was paused after some bytes had been read/,
  'net/takes-the-handle-and-loses-it': /no socket of the thread it was found in names a request/,
};
/** Their program is another process's or thread's: hangUp() sees that it does not close, and its own thread says why. */
const ELSEWHERE = ['elsewhere/child-process-still-has-it', 'elsewhere/worker-thread-with-the-guard'];

const stage = stageOfEachTest();

/** Runs the program in this process, has its client leave, and returns what a guard reports of it. */
async function inProduction(
  stage: Stage,
  scenario: Scenario,
): Promise<{ server: Program | undefined; leak: LeakReport }> {
  const sizes = sizesFor(getDefaultHighWaterMark(false));
  const seen = follow(guardOn(stage, { closeWaitTimeout: 400, sampleInterval: 50, traceRequests: true }));
  stage.defer(followFastifyRoutes());
  const upstream = scenario.upstream?.(sizes);
  const upstreamPort = upstream ? await stage.listen(upstream) : 0;
  const server = await scenario.program({ upstream: upstreamPort });
  let port: number | undefined;
  if (server) {
    server.on?.('connection', (socket) => stage.defer(() => socket.destroy()));
    if (!server.listening) await once(server.listen!(0, '127.0.0.1'), 'listening');
    ({ port } = server.address() as { port: number });
    stage.defer(() => server.close?.());
  }
  const peers = new Peers(port, sizes);
  stage.defer(() => peers.end());
  await scenario.peer?.(peers);
  const judged = scenario.expect.side === 'outbound' || port === undefined ? upstreamPort : port;
  const leak = await until('the report', () =>
    seen.leaks.find((leak) => portOf(leak) === judged && leak.side === scenario.expect.side),
  );
  // As it comes out of a log.
  return { server, leak: JSON.parse(JSON.stringify(leak)) as LeakReport };
}

describe('what reproduce() makes of a report is red on the code that leaked', () => {
  it.each(leaks.filter(([id]) => !ELSEWHERE.includes(id)))('%s', async (id, scenario) => {
    const { server, leak } = await inProduction(stage, scenario);
    const reason = NO_REQUEST[id] ?? (server === undefined || leak.side === 'outbound' ? /traceRequests/ : undefined);
    if (reason && leak.requestedBy === undefined) {
      expect(() => reproduce(leak)).toThrow(reason);
      return;
    }
    const again = await hangUp(server as Server, ...reproduce(leak));
    expect(again.leak, `${leak.cause} of ${leak.method} ${leak.route}`).toMatchObject({ side: leak.side });
    expect(again.leak!.id).not.toBe(leak.id);
    expect([again.leak!.method, again.leak!.route]).toEqual([leak.method, leak.route]);
    // What could not be written is gone with the client.
    if (leak.cause !== 'write-stalled') expectKernelAgrees(again.leak!);
  });

  it('is tried with every report of the corpus that names a request', () => {
    expect(leaks.length).toBeGreaterThan(30);
    for (const id of [...Object.keys(NO_REQUEST), ...ELSEWHERE]) expect(leaks.map(([name]) => name)).toContain(id);
  });
});
