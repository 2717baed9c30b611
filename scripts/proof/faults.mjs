/**
 * The faults of test/faults, each put into a copy of src/ and played by the simulator until it is caught. Prints a line for each and with
 * --write writes the table into docs/proof.md. Exits with 1 where one is not caught.
 *
 *   node scripts/proof/faults.mjs --write
 *   node scripts/proof/faults.mjs tracker-age     these alone
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { table, writeTable } from './page.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});
const HEAD = ['fault', 'what it does', 'file', 'histories', 'invariant', 'verdict'];
const MOST_HISTORIES = 1_000_000;
const SEED = 1;
const root = path.join(import.meta.dirname, '../..');
const folder = path.join(root, 'test/faults');
const all = fs
  .readdirSync(folder)
  .filter((file) => file.endsWith('.patch'))
  .map((file) => path.basename(file, '.patch'));
const unknown = positionals.find((name) => !all.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`faults: there is no ${unknown}; there are ${all.join(', ')}\n`);
  process.exit(2);
}

const rows = (positionals.length > 0 ? positionals : all).map(tryFault);
const caught = rows.filter((row) => row.at(-1) === 'caught').length;
console.log(`\n${table(HEAD, rows)}\n\n${caught} of ${rows.length} faults are caught`);
if (options.write) {
  writeTable('faults', {
    title: 'Faults put in by hand',
    text: (
      lines,
    ) => `${lines.filter((line) => line.includes('| caught |')).length} of ${lines.length} faults are caught by [the simulator](../test/simulator/README.md). Each is a patch
of [test/faults](../test/faults/README.md) to a copy of the sources; *histories* are those that were played until an invariant did not hold, always from seed ${SEED}.`,
    head: HEAD,
    rows,
    all: positionals.length === 0,
  });
}
process.exitCode = caught === rows.length ? 0 : 1;

function tryFault(name) {
  const patch = path.join(folder, `${name}.patch`);
  const text = fs.readFileSync(patch, 'utf8');
  const [, file] = /^\+\+\+ b\/(.*)$/m.exec(text);
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-fault-'));
  try {
    fs.cpSync(path.join(root, 'src'), path.join(copy, 'src'), { recursive: true });
    const applied = spawnSync('git', ['apply', patch], { cwd: copy, encoding: 'utf8' });
    if (applied.status !== 0) return row('', '', `does not apply: ${applied.stderr.split('\n', 1)[0]}`);
    const args = ['--src', path.join(copy, 'src'), '--out', path.join(copy, 'js'), '--seed', SEED, '--json'];
    const run = spawnSync(
      process.execPath,
      [path.join(root, 'test/simulator/run.mjs'), ...args.map(String), '--histories', String(MOST_HISTORIES)],
      { encoding: 'utf8', timeout: 300_000 },
    );
    const said = run.stdout.trim() === '' ? {} : JSON.parse(run.stdout);
    if (said.invariant === undefined) return row('', '', run.stderr.split('\n', 1)[0] || 'not caught');
    return row(said.history + 1, said.invariant.split(': {', 1)[0].slice(0, 160), 'caught');
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }

  function row(histories, invariant, verdict) {
    console.log(`${verdict}: ${name}${histories && `, after ${histories}`} ${invariant}`);
    return [name, text.split('\n', 1)[0], file, histories, invariant, verdict];
  }
}
