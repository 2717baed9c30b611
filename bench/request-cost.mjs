// What the guard adds to a Fastify request: CPU time of the server, and throughput.
//
// The speed of a shared machine drifts by a third within seconds, so no two runs compare. A pair is two servers, one with
// and one without, each a process of its own, alive side by side; short slices of load go to one and the other in turn,
// ABBA, and the median of the slices' ratios is the pair's. Pairs differ by more than noise (heap layout, what the JIT
// decided when), so there are many, and their median has an interval. Two servers without the guard make pairs as well:
// what those differ by is what this machine cannot resolve.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from '../scripts/npm-cache.mjs';
import { KeepAliveLoad, OneShotLoad } from './load.mjs';
import { fixed, range, table } from './render.mjs';
import { median, medianInterval, shuffled } from './stats.mjs';

const SERVER = fileURLToPath(new URL('./fastify-server.mjs', import.meta.url));
const DIST = new URL('../dist/', import.meta.url);

/** The line of Node on which `traceRequests` is on by default; the others run on the one that runs this. */
const TRACING_NODE = '24';

/** `isGoal`: its interval is held against a limit. `part`: measured only when asked for, to tell what it is that costs. */
const COMPARISONS = [
  { name: 'the plugin, default options', sides: ['plugin', 'plain'], pairs: 15, isGoal: true },
  { name: 'the preload alone', sides: ['preload', 'plain'], pairs: 15, isGoal: true },
  { name: 'the plugin, a connection for each request', sides: ['plugin', 'plain'], load: 'one-shot', pairs: 6 },
  {
    name: `the plugin, default options, Node ${TRACING_NODE}`,
    sides: ['plugin', 'plain'],
    node: TRACING_NODE,
    pairs: 6,
  },
  {
    name: `\`traceRequests\` on / off, Node ${TRACING_NODE}`,
    sides: ['traced', 'untraced'],
    node: TRACING_NODE,
    pairs: 6,
  },
  { name: '`traceRequests` on / off', sides: ['traced', 'untraced'], pairs: 6 },
  { name: '(nothing: two servers without it)', sides: ['plain', 'plain'], pairs: 12 },
  { name: 'the library and prom-client loaded, and not used', sides: ['loaded', 'plain'], pairs: 12, part: true },
  { name: 'the plugin without metrics', sides: ['no-metrics', 'plain'], pairs: 12, part: true },
  { name: 'the plugin without timed samples', sides: ['no-timer', 'plain'], pairs: 12, part: true },
];
/** All pairs are measured in so many runs, one after another: what a quiet minute gives one of them, the others do not have. */
const RUNS = 3;
const SLICES = 10;
const REQUESTS = Object.freeze({
  'keep-alive': { slice: 2_500, warmUp: 12_000 },
  'one-shot': { slice: 500, warmUp: 2_500 },
});

export async function measureRequests({ quick, say, parts = false }) {
  const results = COMPARISONS.filter(({ part }) => parts || !part).flatMap((comparison) => {
    const execPath = programOf(comparison, say);
    if (!execPath) return [];
    return [{ load: 'keep-alive', ...comparison, execPath, cpu: [], throughput: [], plainMicros: [], runs: [] }];
  });
  for (let run = 1; run <= (quick ? 1 : RUNS); run++) await oneRun(results, { quick, say, run });
  return results.map(({ name, isGoal, cpu, throughput, plainMicros, runs }) => ({
    name,
    isGoal: isGoal ?? false,
    pairs: cpu.length,
    cpu: { median: median(cpu), ...medianInterval(cpu) },
    // What is quoted: no single run, kind or unkind.
    ofRuns: median(runs),
    throughput: { median: median(throughput), ...medianInterval(throughput) },
    plainMicros: median(plainMicros),
  }));
}

async function oneRun(results, { quick, say, run }) {
  const before = new Map(results.map((result) => [result, result.cpu.length]));
  // One list of all pairs in random order: no comparison has the quiet minutes to itself.
  const work = shuffled(results.flatMap((result) => Array(quick ? 1 : result.pairs / RUNS).fill(result)));
  for (const [i, result] of work.entries()) {
    const { execPath, load } = result;
    const [guardedSide, plainSide] = result.sides.map((kind) => ({ kind, execPath }));
    const { guarded, plain } = await runPair(guardedSide, plainSide, load);
    const ratios = (of) => guarded.map((slice, k) => of(slice) / of(plain[k]));
    const cpu = median(ratios(({ cpuMicros }) => cpuMicros));
    const throughput = 1 / median(ratios(({ wallMs }) => wallMs));
    result.cpu.push(cpu);
    result.throughput.push(throughput);
    result.plainMicros.push(median(plain.map(({ cpuMicros }) => cpuMicros)));
    say(
      `  run ${run}, pair ${i + 1} of ${work.length}: ${result.name}: CPU x ${fixed(cpu, 3)}, throughput x ${fixed(throughput, 3)}`,
    );
  }
  for (const result of results) result.runs.push(median(result.cpu.slice(before.get(result))));
}

/** The Node that a comparison runs on; undefined, and said, where it cannot be had. */
function programOf({ name, node }, say) {
  if (node === undefined) return process.execPath;
  try {
    return nodeBinary(node);
  } catch (error) {
    say(`  NOT MEASURED HERE: ${name}: ${error.message}`);
    return undefined;
  }
}

/**
 * Both servers' slices, in the order they were taken. A server is a `kind`, the `dist` folder it takes the guard from and
 * the Node that runs it.
 */
export async function runPair(guarded, plain, loadName) {
  const servers = { guarded, plain };
  const { slice, warmUp } = REQUESTS[loadName];
  const pair = {};
  try {
    for (const role of shuffled(['guarded', 'plain'])) {
      pair[role] = await Subject.start(servers[role], loadName);
    }
    const subjects = shuffled(Object.values(pair));
    for (const subject of subjects) await subject.load.run(warmUp);
    for (let i = 0; i < SLICES; i++) {
      for (const subject of i % 2 === 0 ? subjects : [...subjects].reverse()) await subject.take(slice);
    }
  } finally {
    for (const subject of Object.values(pair)) await subject.stop();
  }
  return { guarded: pair.guarded.slices, plain: pair.plain.slices };
}

/** One server under load. */
class Subject {
  slices = [];

  static async start({ kind, dist = DIST, execPath = process.execPath }, loadName) {
    const subject = new Subject();
    const execArgv = kind === 'preload' ? ['--import', new URL('register.js', dist).href] : [];
    subject.child = fork(SERVER, [kind, String(dist)], { execArgv, execPath });
    const [{ port }] = await once(subject.child, 'message');
    subject.load = loadName === 'one-shot' ? new OneShotLoad(port) : await KeepAliveLoad.open(port);
    return subject;
  }

  /** CPU time of the server for each request, and how long all of them took. */
  async take(requests) {
    const before = await this.#cpuMicros();
    const startedAt = performance.now();
    await this.load.run(requests);
    const wallMs = performance.now() - startedAt;
    this.slices.push({ cpuMicros: ((await this.#cpuMicros()) - before) / requests, wallMs });
  }

  async stop() {
    this.load.close();
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }

  async #cpuMicros() {
    this.child.send('cpu');
    const [{ user, system }] = await once(this.child, 'message');
    return user + system;
  }
}

export function renderRequests(results) {
  const interval = ({ median: middle, low, high }) => `${fixed(middle, 3)} (${range(fixed(low, 3), fixed(high, 3))})`;
  const rows = results.map(({ name, pairs, cpu, ofRuns, throughput, plainMicros }) => [
    name,
    interval(cpu),
    fixed(ofRuns, 3),
    interval(throughput),
    `${fixed(plainMicros, 0)} µs`,
    `${pairs}`,
  ]);
  const coverage = Math.min(...results.map(({ cpu }) => cpu.coverage));
  return [
    table(
      [
        'with the guard / without',
        'CPU time per request',
        `the median of ${RUNS} runs`,
        'throughput',
        'CPU time without',
        'pairs',
      ],
      rows,
    ),
    '',
    `Median of the pairs' ratios and its interval (sign test, at least ${fixed(coverage * 100, 0)} %). A route that returns one small object; a client with ordinary headers, in another process.`,
  ].join('\n');
}
