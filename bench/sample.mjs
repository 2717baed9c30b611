// The cost of looking at a process's sockets: the guard's sample beside every other way to look, in the same process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fixed, range, table } from './render.mjs';
import { median, quantile, shuffled } from './stats.mjs';

const DIST = new URL('../dist/', import.meta.url);
const TRIAL = fileURLToPath(new URL('./sample-trial.mjs', import.meta.url));
/** What a process needs beside its end of each connection. */
const SPARE_FDS = 200;
const SAMPLES_PER_ROUND = 100;
/** Of one process: with what it needs beside them, the fds that 20,000 leave. */
const LARGEST = 18_000;
const NEW_PER_SECOND = 500;

const WAYS = Object.freeze({
  timed: 'a sample of the guard, on its timer',
  'on demand': '`guard.leaks()`',
  proc: '`/proc/self/net/tcp`, read and parsed in JS',
  report: '`process.report.getReport()`',
  ss: '`ss -tnp state close-wait`, as a process',
  lsof: '`lsof -nP -p PID`, as a process',
});

export async function measureSamples({ quick, say }) {
  const { sizes, scaled, most } = sizesWithin();
  const configurations = sizes.flatMap((sockets) =>
    [0, sockets / 100].map((leaks) => ({ sockets, leaks, ways: 'all', trials: [] })),
  );
  const largest = Math.min(LARGEST, most);
  if (largest > sizes.at(-1)) configurations.push({ sockets: largest, leaks: 0, ways: 'timed', trials: [] });
  const rounds = 2;
  for (let repeat = 0; repeat < (quick ? 1 : 2); repeat++) {
    for (const { sockets, leaks, ways, trials } of shuffled(configurations)) {
      const trial = await runTrial({ sockets, leaks, rounds, ways });
      trials.push(trial);
      const of = (way) => (trial.times[way] ? `${way} ${micros(median(trial.times[way]))} µs` : `no ${way}`);
      say(
        `  ${count(sockets)} sockets, ${leaks} leaked: ${['timed', 'proc', 'report', 'ss', 'lsof'].map(of).join(', ')}`,
      );
    }
  }
  const slow = await atDefaultInterval({ quick, say, sizes: configurations.map(({ sockets }) => sockets) });
  return { configurations: configurations.map(summary), scaled, slow };
}

/**
 * The samples of a process that does nothing in between, a second apart as by default: with cold caches and code that is seldom run.
 * One process of each size, side by side; and one that 500 connections a second come to, by itself.
 */
async function atDefaultInterval({ quick, say, sizes }) {
  const common = { leaks: 0, rounds: 1, ways: 'timed', intervalMs: 1_000, samplesPerRound: quick ? 5 : 30 };
  const quiet = quick ? [1_000] : [...new Set(sizes)];
  const trials = await Promise.all(quiet.map((sockets) => runTrial({ ...common, sockets })));
  const busy = await runTrial({ ...common, sockets: 1_000, newPerSecond: NEW_PER_SECOND });
  const rows = [
    ...trials.map((trial, i) => ({ sockets: quiet[i], newPerSecond: 0, ...spread(trial.times.timed) })),
    { sockets: 1_000, newPerSecond: NEW_PER_SECOND, ...spread(busy.times.timed) },
  ];
  for (const { sockets, newPerSecond, median: middle } of rows)
    say(`  every second, ${count(sockets)} sockets, ${newPerSecond} new a second: ${micros(middle)} µs`);
  return rows;
}

function spread(times) {
  const [low, high] = [quantile(times, 0.25), quantile(times, 0.75)];
  return { count: times.length, median: median(times), low, high, p99: quantile(times, 0.99) };
}

/** Node raises its soft limit to the hard one when it starts, so what it has is what there is. */
function fdLimit() {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft === undefined ? Infinity : Number(soft);
}

/** The sizes that this process may have fds for, and what to say when they are not the usual ones. */
export function sizesWithin(limit = fdLimit()) {
  const whole = Math.floor((limit - SPARE_FDS) / 1_000) * 1_000;
  const most = Math.min(9_000, whole);
  if (most < 1_000)
    throw new Error(`the sample bench needs ${count(1_000 + SPARE_FDS)} file descriptors; ulimit -Hn is ${limit}`);
  const scaled = most < 9_000 ? `${count(most)} sockets at most, not 9,000: ulimit -Hn is ${count(limit)}.` : undefined;
  return { sizes: [...new Set([1_000, most])], scaled, most: whole };
}

/** One process with that many sockets, and what each way of looking at them took (`ways`: 'all', or the guard's 'timed' sample alone). */
export async function runTrial({
  sockets,
  leaks,
  rounds,
  ways = 'all',
  dist = DIST,
  intervalMs = 20,
  samplesPerRound = SAMPLES_PER_ROUND,
  newPerSecond = 0,
}) {
  const parameters = [sockets, leaks, rounds, samplesPerRound, ways, dist, intervalMs, newPerSecond];
  const child = fork(TRIAL, parameters.map(String));
  let result;
  child.on('message', (message) => (result = message));
  const [code, signal] = await once(child, 'exit');
  if (result === undefined || code !== 0) {
    throw new Error(`the sample trial (${parameters.join(', ')}) ended with ${signal ?? code}`);
  }
  return result;
}

function summary({ sockets, leaks, trials }) {
  const ways = Object.keys(WAYS).filter((way) => trials.every(({ times }) => times[way] !== undefined));
  return {
    sockets,
    leaks,
    ways: ways.map((way) => {
      const times = trials.flatMap((trial) => trial.times[way]);
      return {
        way,
        ...spread(times),
        // Within each trial: its own sockets, its own minutes of the machine.
        ofSs: trials[0].times.ss && median(trials.map((trial) => median(trial.times.ss) / median(trial.times[way]))),
      };
    }),
    registerMs: median(trials.map(({ registerMs }) => registerMs)),
    dumpMs: median(trials.map(({ dumpMs }) => dumpMs)),
  };
}

export function renderSamples({ configurations, scaled, slow }) {
  const ways = configurations[0].ways.map(({ way }) => way);
  const find = (configuration, way) => configuration.ways.find((entry) => entry.way === way);
  const header = [
    'microseconds: median (middle half)',
    ...configurations.map(
      ({ sockets, leaks }) => `${count(sockets)} sockets, ${leaks === 0 ? 'healthy' : '1 % leaked'}`,
    ),
  ];
  const rows = ways.map((way) => [
    WAYS[way],
    ...configurations.map((configuration) => {
      const found = find(configuration, way);
      if (found === undefined) return '';
      const { median: middle, low, high } = found;
      return `${micros(middle)} (${range(micros(low), micros(high))})`;
    }),
  ]);
  rows.splice(1, 0, [
    'of these samples, the 99th percentile',
    ...configurations.map((configuration) => micros(find(configuration, 'timed').p99)),
  ]);
  if (find(configurations[0], 'ss')) {
    rows.push([
      '**`ss` costs this many samples**',
      ...configurations.map((configuration) => {
        const { ofSs } = find(configuration, 'timed');
        return ofSs === undefined ? '' : `**${fixed(ofSs, 0)}**`;
      }),
    ]);
  }
  return [table(header, rows), '', growth(configurations, find), scaled, '', renderSlow(slow)]
    .filter((line) => line !== undefined)
    .join('\n');
}

function growth(configurations, find) {
  const healthy = configurations.filter(({ leaks }) => leaks === 0);
  const [small, large] = [healthy[0], healthy.at(-1)];
  const perSocket = (large.registerMs / large.sockets) * 1_000;
  const once = `Putting a socket on the watch costs ${fixed(perSocket, 1)} µs, once, for a connection that lives longer than an interval.`;
  const search = `A process that has started another searches what that may hold, four times in a \`closeWaitTimeout\`: ${fixed(large.dumpMs, 1)} ms with ${count(large.sockets)} connections on this host.`;
  if (small === large) return `${once} ${search}`;
  const factor = find(large, 'timed').median / find(small, 'timed').median;
  return `From ${count(small.sockets)} to ${count(large.sockets)} healthy sockets a sample grows ${fixed(factor, 2)}-fold (median). ${once} ${search}`;
}

function renderSlow(rows) {
  return table(
    ['a sample a second apart, as by default, µs', 'median (middle half)', '99th percentile', 'samples'],
    rows.map(({ sockets, newPerSecond, median: middle, low, high, p99, count: samples }) => [
      `${count(sockets)} sockets, healthy${newPerSecond > 0 ? `, and ${newPerSecond} new connections a second` : ''}`,
      `${micros(middle)} (${range(micros(low), micros(high))})`,
      micros(p99),
      `${samples}`,
    ]),
  );
}

function micros(ms) {
  return count(Math.round(ms * 1_000));
}

function count(number) {
  return number.toLocaleString('en-US');
}
