// What the guard adds to a Fastify request: CPU time of the server, and throughput.
//
// The speed of a shared machine drifts by a third within seconds, so no two runs compare. A pair is two servers, one with
// and one without, each a process of its own, alive side by side; slices of load go to one and the other in turn, ABBA,
// and the pair's ratio is what counts. Pairs differ by more than noise (heap layout, when the JIT decided what), so there
// are many, and their median has an interval.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { KeepAliveLoad, OneShotLoad } from './load.mjs';
import { fixed, range, table } from './render.mjs';
import { median, medianInterval, shuffled } from './stats.mjs';

const SERVER = fileURLToPath(new URL('./fastify-server.mjs', import.meta.url));
const REGISTER = new URL('../dist/register.js', import.meta.url).href;

const COMPARISONS = [
  { name: 'the plugin, default options', variant: 'plugin', load: 'keep-alive', pairs: 30, quick: 3 },
  { name: 'the preload alone', variant: 'preload', load: 'keep-alive', pairs: 20, quick: 1 },
  { name: 'the plugin, a connection for each request', variant: 'plugin', load: 'one-shot', pairs: 20, quick: 1 },
];
const SLICES = 6;
const REQUESTS = Object.freeze({
  'keep-alive': { slice: 4_000, warmUp: 12_000 },
  'one-shot': { slice: 1_000, warmUp: 3_000 },
});

export async function measureRequests({ quick, say }) {
  const results = COMPARISONS.map((comparison) => ({ ...comparison, cpu: [], throughput: [], plainMicros: [] }));
  // One list of all pairs in random order: no comparison has the quiet minutes to itself.
  const work = shuffled(results.flatMap((result) => Array(quick ? result.quick : result.pairs).fill(result)));
  for (const [i, result] of work.entries()) {
    const { guarded, plain } = await runPair(result.variant, result.load);
    result.cpu.push(guarded.cpuMicros / plain.cpuMicros);
    result.throughput.push(plain.wallMs / guarded.wallMs);
    result.plainMicros.push(plain.cpuMicros / plain.requests);
    say(
      `  pair ${i + 1} of ${work.length}: ${result.name}: CPU x ${fixed(result.cpu.at(-1), 3)}, throughput x ${fixed(result.throughput.at(-1), 3)}`,
    );
  }
  return results.map(({ name, cpu, throughput, plainMicros }) => ({
    name,
    pairs: cpu.length,
    cpu: { median: median(cpu), ...medianInterval(cpu) },
    throughput: { median: median(throughput), ...medianInterval(throughput) },
    plainMicros: median(plainMicros),
  }));
}

/** Exported for `--pairs`-like experiments; returns the totals of both. */
export async function runPair(variant, loadName) {
  const { slice, warmUp } = REQUESTS[loadName];
  const pair = {};
  try {
    for (const role of shuffled(['guarded', 'plain'])) {
      pair[role] = await Subject.start(role === 'plain' ? 'plain' : variant, loadName);
    }
    const subjects = shuffled(Object.values(pair));
    for (const subject of subjects) await subject.load.run(warmUp);
    for (let i = 0; i < SLICES; i++) {
      for (const subject of i % 2 === 0 ? subjects : [...subjects].reverse()) await subject.take(slice);
    }
  } finally {
    for (const subject of Object.values(pair)) await subject.stop();
  }
  return { plain: pair.plain.total, guarded: pair.guarded.total };
}

class Subject {
  total = { cpuMicros: 0, wallMs: 0, requests: 0 };

  static async start(kind, loadName) {
    const subject = new Subject();
    const execArgv = kind === 'preload' ? ['--import', REGISTER] : [];
    subject.child = fork(SERVER, [kind], { execArgv });
    const [{ port }] = await once(subject.child, 'message');
    subject.load = loadName === 'one-shot' ? new OneShotLoad(port) : await KeepAliveLoad.open(port);
    return subject;
  }

  async take(requests) {
    const before = await this.cpuMicros();
    const startedAt = performance.now();
    await this.load.run(requests);
    this.total.wallMs += performance.now() - startedAt;
    this.total.cpuMicros += (await this.cpuMicros()) - before;
    this.total.requests += requests;
  }

  async cpuMicros() {
    this.child.send('cpu');
    const [{ user, system }] = await once(this.child, 'message');
    return user + system;
  }

  async stop() {
    this.load.close();
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }
}

export function renderRequests(results) {
  const interval = ({ median: middle, low, high }) => `${fixed(middle, 3)} (${range(fixed(low, 3), fixed(high, 3))})`;
  const rows = results.map(({ name, pairs, cpu, throughput, plainMicros }) => [
    name,
    interval(cpu),
    interval(throughput),
    `${fixed(plainMicros, 0)} µs`,
    `${pairs}`,
  ]);
  const coverage = Math.min(...results.map(({ cpu }) => cpu.coverage));
  return [
    table(['with the guard / without', 'CPU time per request', 'throughput', 'CPU time without', 'pairs'], rows),
    '',
    `Median of the pairs' ratios and its interval (sign test, at least ${fixed(coverage * 100, 0)} %). A route that returns one small object; client in another process.`,
  ].join('\n');
}
