/**
 * Which lines the tests run: of src/ under vitest, of native/ under gcov by the C++ suite. Prints a row for each folder and for each file
 * of which less than four fifths are run, and with --write writes them into docs/proof.md. Exits with 1 where such a file has
 * no reason in coverage-why.json.
 *
 *   node scripts/proof/coverage.mjs --write                 the tests in this process's reach: minutes
 *   node scripts/proof/coverage.mjs test/unit test/kernel   these tests alone
 *
 * What the tests start as programs of their own runs dist/ and is not counted.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { nativeCoverage } from './coverage-native.mjs';
import { table, writeTable } from './page.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});
const HEAD = ['what', 'lines', 'run by tests', 'share', 'why not more', 'verdict'];
/** Those that run src/ itself. The others, and all that are `long`, start programs. */
const IN_REACH = [
  'test/unit',
  'test/kernel',
  'test/scenarios',
  'test/adapters',
  'test/page',
  'test/otel',
  'test/tooling/project/layers.test.ts',
];
const LOW = 0.8;
const UNEXPLAINED = 'to be looked at';
if (options.write && positionals.length > 0) {
  process.stderr.write('coverage: --write takes all the tests, not some of them\n');
  process.exit(2);
}
const root = path.join(import.meta.dirname, '../..');
const out = path.join(root, 'build/coverage');
const why = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'coverage-why.json'), 'utf8'));

const files = new Map([...typescriptCoverage(), ...nativeCoverage()]);
const rows = [...foldersOf(files), ...lowOf(files)].sort(([a], [b]) => (a < b ? -1 : 1));
console.log(`\n${table(HEAD, rows)}`);
if (options.write) {
  writeTable('coverage', {
    title: 'Lines that the tests run',
    text: `Of \`src/\` those that run in a process of vitest (V8's coverage), of \`native/\` those that the C++ suite runs (gcov). What the tests start as programs of
their own (the preload, test runners, the corpus) runs \`dist/\`, and is not counted. Rows are folders, and each file of which less than ${LOW * 100} % is run.`,
    head: HEAD,
    rows,
    all: true,
  });
}
process.exitCode = rows.some((row) => row.at(-1) === UNEXPLAINED) ? 1 : 0;

function typescriptCoverage() {
  const json = path.join(out, 'coverage-summary.json');
  fs.rmSync(json, { force: true });
  const args = [
    'run',
    ...(positionals.length > 0 ? positionals : IN_REACH),
    ...['--project', 'unit', '--project', 'system'],
    '--coverage.enabled',
    '--coverage.provider=v8',
  ];
  args.push(
    '--coverage.include=src/**/*.{ts,cts}',
    '--coverage.reporter=json-summary',
    `--coverage.reportsDirectory=${out}`,
  );
  // A test that fails has run lines all the same; that it fails is for npm test to say.
  args.push('--coverage.reportOnFailure', '--typecheck.enabled=false');
  const { status } = spawnSync(process.execPath, [path.join(root, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (!fs.existsSync(json)) {
    process.stderr.write(`coverage: vitest ended with exit status ${status} and left no coverage\n`);
    process.exit(2);
  }
  return Object.entries(JSON.parse(fs.readFileSync(json, 'utf8')))
    .filter(([file, { lines }]) => file !== 'total' && lines.total > 0)
    .map(([file, { lines }]) => [path.relative(root, file), { lines: lines.total, covered: lines.covered }]);
}

/** `src/leaks/causes/paused.ts` counts for `src/leaks/`. */
function foldersOf(all) {
  const folders = new Map();
  for (const [file, { lines, covered }] of all) {
    const parts = file.split('/');
    const folder = `${parts.slice(0, Math.min(2, parts.length - 1)).join('/')}/`;
    const sum = folders.get(folder) ?? { lines: 0, covered: 0 };
    folders.set(folder, { lines: sum.lines + lines, covered: sum.covered + covered });
  }
  return [...folders].map(([folder, counts]) => rowOf(folder, counts, 'reported', ''));
}

function lowOf(all) {
  return [...all]
    .filter(([, { lines, covered }]) => covered / lines < LOW)
    .map(([file, counts]) => rowOf(file, counts, reasonOf(file) === undefined ? UNEXPLAINED : 'explained'));
}

function rowOf(what, { lines, covered }, verdict, reason = reasonOf(what) ?? '') {
  return [what, lines, covered, `${((100 * covered) / lines).toFixed(1)} %`, reason, verdict];
}

function reasonOf(what) {
  return Object.entries(why).find(([start]) => what.startsWith(start))?.[1];
}
