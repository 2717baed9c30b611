/**
 * The n-th call fails, as in SQLite's tests: a shim before libc makes each call of the addon fail at its first, second, … time with each
 * error that it may end with, once and from then on, until a pass is clean. In every cell the host answers, no healthy socket is named or
 * ended, no leak is told twice or missed once the fault is over, fds balance, and what was counted was said, once.
 *
 *   node scripts/proof/calls.mjs [--sample] [--write]
 */
import { parseArgs } from 'node:util';
import { playAll } from '../../test/hostile/calls/run.mjs';
import { table, writeTable } from './page.mjs';

const { values } = parseArgs({
  options: { sample: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});

const WHAT = {
  start: 'a guard is made, and the leaks are there already',
  watch: 'leaks come while a guard looks on demand',
  timed: 'leaks come while a guard samples by itself',
  scrape: 'a page of metrics of known leaks',
  reclaim: 'leaks are ended',
  children: 'sock_diag is asked for what children hold',
  test: '`findLeakedSockets()` in a test',
  write: 'the log on an inherited pipe and socket',
};
const HEAD = ['scenario', 'kernel', 'cells', 'calls that failed', 'counted as', 'faults', 'verdict'];

const jobs = [false, true].flatMap((older) =>
  Object.keys(WHAT).map((name) => ({ scenarios: [name], older, ...(values.sample ? { atMost: 1 } : {}) })),
);
const startedAt = performance.now();
const results = await playAll(jobs, {
  onResult: ({ scenario, call, faults }) => {
    for (const fault of faults) process.stderr.write(`${scenario}, ${call}: ${fault}\n`);
  },
});
const rows = jobs.map(({ scenarios: [scenario], older }) => {
  const own = results.filter((result) => result.scenario === scenario && result.older === older);
  const cells = own.reduce((sum, result) => sum + result.cells, 0);
  const faults = own.reduce((sum, result) => sum + result.faults.length, 0);
  const counted = new Set(own.filter(({ call }) => call !== 'none').flatMap((result) => result.counted));
  return [
    `${scenario}: ${WHAT[scenario]}${older ? ', older kernel' : ''}`,
    older ? 'refuses SO_COOKIE, TCP_INFO and RWF_NOWAIT, counts no fds' : 'this one',
    String(cells),
    String(own.filter((result) => result.cells > 0).length),
    [...counted].sort().join(', ') || 'nothing',
    String(faults),
    faults === 0 && cells > 0 ? 'holds' : 'fails',
  ];
});
const cells = results.reduce((sum, result) => sum + result.cells, 0);
console.log(table(HEAD, rows));
console.log(`${cells} cells in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
if (values.write) {
  writeTable('calls', {
    title: 'The n-th call fails',
    text: `A shim before libc makes each call that the addon makes fail at its first, second, … time, with each error that it may end with, once and from then on, until a pass is clean: ${cells.toLocaleString('en-US')} cells.
In every cell the HTTP server of the host answers, fds balance, no healthy socket is named or ended, no leak is told twice, none is missed once the fault is over, and what was counted was said, once each.
*Calls that failed* are the kinds of calls that the scenario makes (\`getsockopt\` by its option). A plain \`operator new\` ends the process where there is no memory, as it ends Node, and is not failed.`,
    head: HEAD,
    rows,
    all: true,
  });
}
process.exitCode = rows.every((row) => row.at(-1) === 'holds') ? 0 : 1;
