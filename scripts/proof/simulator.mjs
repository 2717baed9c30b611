/**
 * The simulator of test/simulator for a minute of CPU, from a seed that nobody has chosen. With --write it writes a row into docs/proof.md.
 * Exits with 1 where an invariant does not hold.
 *
 *   node scripts/proof/simulator.mjs --write
 *   node scripts/proof/simulator.mjs --seconds 600
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { table, writeTable } from './page.mjs';

const { values: options } = parseArgs({
  options: { write: { type: 'boolean', default: false }, seconds: { type: 'string', default: '60' } },
});
const HEAD = ['run', 'seed', 'histories', 'a CPU minute', 'steps each', 'samples', 'leaks', 'verdict'];
/** Fewer are too few to find what is rare. */
const AT_LEAST_A_MINUTE = 1_000_000;
const run = path.join(import.meta.dirname, '../../test/simulator/run.mjs');
const { stdout, stderr } = spawnSync(process.execPath, [run, '--json', '--seconds', options.seconds], {
  encoding: 'utf8',
});
if (stdout.trim() === '') {
  process.stderr.write(stderr);
  process.exit(2);
}
const said = JSON.parse(stdout);
const verdict = said.invariant ?? (said.aMinute >= AT_LEAST_A_MINUTE ? 'holds' : 'holds, too slow');
const grouped = (count) => (count ?? 0).toLocaleString('en-US');
const row = [
  `${options.seconds} s of CPU`,
  ...[
    said.seed,
    grouped(said.histories),
    grouped(said.aMinute),
    ((said.steps ?? 0) / (said.histories ?? 1)).toFixed(1),
  ],
  ...[grouped(said.samples), grouped(said.leaks), verdict],
];
console.log(table(HEAD, [row]));
if (options.write) {
  writeTable('simulator', {
    title: 'Simulated histories',
    text: `[The simulator](../test/simulator/README.md) plays random histories of sockets against the library's tracker, ledger, teller and diagnosis, and holds
them against what its kernel knows. *A CPU minute* is how many of them a minute of one core plays.`,
    head: HEAD,
    rows: [row],
    all: true,
  });
}
process.exitCode = verdict === 'holds' ? 0 : 1;
