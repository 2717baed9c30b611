/**
 * How much of src/leaks its unit tests hold: Stryker changes one thing at a time (a mutant), and a test has to fail. Prints the score
 * of each file and with --write writes the table into docs/proof.md. Exits with 1 where the score of all is below 80 %.
 *
 *   npm run mutation                                          all of src/leaks, some minutes of two cores
 *   npm run mutation -- src/leaks/tracker.ts                  this file
 *   npm run mutation -- --survivors src/leaks/tracker.ts      and which mutants no test notices
 *
 * What the same sources and tests gave before is taken from build/mutation. stryker.config.json says how it is run.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { table, writeTable } from './page.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false }, survivors: { type: 'boolean', default: false } },
});
const HEAD = ['file', 'mutants', 'killed', 'survived', 'not reached', 'score', 'verdict'];
const AT_LEAST = 80;
const ALL = 'all of src/leaks';
const root = path.join(import.meta.dirname, '../..');
const report = path.join(root, 'build/mutation/report.json');
const stryker = path.join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');

const missing = positionals.find((file) => !/^src\/leaks\/.*\.ts$/.test(file) || !fs.existsSync(path.join(root, file)));
if (missing !== undefined) {
  process.stderr.write(`mutation: ${missing} is no file of src/leaks\n`);
  process.exit(2);
}
fs.rmSync(report, { force: true });
const args = positionals.length > 0 ? ['--mutate', positionals.join()] : [];
const { status } = spawnSync(process.execPath, [stryker, 'run', ...args], { cwd: root, stdio: 'inherit' });
if (status !== 0 || !fs.existsSync(report)) {
  process.stderr.write(`mutation: Stryker ended with exit status ${status}\n`);
  process.exit(2);
}
const { files } = JSON.parse(fs.readFileSync(report, 'utf8'));
const results = Object.entries(files)
  .filter(([file]) => positionals.length === 0 || positionals.includes(file))
  .map(([file, { mutants, source }]) => ({ file, mutants, source }));

const rows = results.map(({ file, mutants }) => rowOf(file, mutants));
const whole = rowOf(
  ALL,
  results.flatMap(({ mutants }) => mutants),
);
if (positionals.length === 0) rows.push(whole);
if (options.survivors) results.forEach(listSurvivors);
console.log(`\n${table(HEAD, rows)}`);
if (options.write) {
  writeTable('mutation', {
    title: 'Mutants of src/leaks',
    text: `Stryker changes one thing of a file at a time, and a unit test has to fail. The score is the share of the mutants that one did (or that never ended). It has to be
${AT_LEAST} % over all files; of single ones it shows where the tests are thin. Most that survive change a piece of a sentence.`,
    head: HEAD,
    rows,
    all: positionals.length === 0,
  });
}
process.exitCode = whole.at(-1) === 'below' ? 1 : 0;

function rowOf(file, mutants) {
  const count = (...states) => mutants.filter((mutant) => states.includes(mutant.status)).length;
  const killed = count('Killed', 'Timeout');
  const [survived, notReached] = [count('Survived'), count('NoCoverage')];
  const all = killed + survived + notReached;
  const score = all === 0 ? 100 : (100 * killed) / all;
  return [file, all, killed, survived, notReached, `${score.toFixed(1)} %`, score >= AT_LEAST ? 'holds' : 'below'];
}

function listSurvivors({ file, mutants, source }) {
  const lines = source.split('\n');
  for (const { status: outcome, location, mutatorName, replacement } of mutants) {
    if (outcome !== 'Survived' && outcome !== 'NoCoverage') continue;
    const { line, column } = location.start;
    console.log(`${file}:${line}:${column} ${outcome} ${mutatorName}: ${replacement}\n    ${lines[line - 1].trim()}`);
  }
}
