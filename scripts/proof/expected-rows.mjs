/**
 * The rows that docs/proof.md must have: for each section what stands in the first cells, taken from where the proof takes it
 * and without running or installing anything.
 */
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { rows as frameworks } from '../../test/proof/frameworks/rows.mjs';
import { rows as runners } from '../../test/proof/runners/rows.mjs';
import { SCENARIOS } from '../../test/hostile/calls/scenarios.mjs';
import { TARGETS } from '../build-prebuilds.mjs';
import { cases as drills } from './drill/cases.mjs';

const root = path.join(import.meta.dirname, '../..');
const namesIn = (folder, ending) =>
  fs
    .readdirSync(path.join(root, folder))
    .flatMap((file) => (file.endsWith(ending) ? [path.basename(file, ending)] : []));

/** Those of Node that are supported. */
const LINES = [20, 22, 24, 26];
const pages = (what) =>
  ['0', '3', '10,000'].flatMap((leaks) =>
    ['light', 'dark', 'narrow'].map((look) => `page with ${leaks} leaks, ${look}: ${what}`),
  );

/** Section → the first cells of its rows. Of a suite it is the package's name: its version is the run's. */
export const EXPECTED = {
  attach: () => LINES.map((line) => `test/corpus, Node ${line}`),
  binaries: () => TARGETS.map(({ file }) => file),
  calls: () => Object.keys(SCENARIOS),
  coverage: () => ['src/leaks/', 'native/linux/'],
  drill: () => Object.keys(drills),
  faults: () => namesIn('test/faults', '.patch'),
  fixes: () => [...casesIn('test/fixes/cases', ''), ...casesIn('test/corpus/cases', 'corpus/')],
  floor: () => [
    ...['1,000', '9,000', '18,000'].map((sockets) => `a healthy sample, ${sockets} sockets: median`),
    ...['putting a socket on the watch', 'a new leak with its diagnosis', '9,000 known leaks'],
  ],
  frameworks: () => frameworks.map(({ server }) => server),
  fuzz: () => namesIn('test/kernel/fuzz', '.cc'),
  hostile: () => subjectsOf('test/hostile/README.md'),
  inspect: () => ['the look, 9000 sockets', 'the whole command, 9000 sockets'],
  inspector: () => [
    'size of the page',
    'host, longest turn of an answer with 10,000 leaks',
    ...pages('axe-core'),
    ...pages('longest task'),
  ],
  mutation: () => ['all of src/leaks'],
  otel: () => [...LINES.map((line) => `2 on ${line}`), ...LINES.slice(1).map((line) => `3 on ${line}`)],
  paging: () => ['CloseWaitLeak'],
  runners: () => runners.map(({ runner }) => runner),
  sanitizers: () => [
    ...['address', 'thread', 'valgrind'].map((tool) => `the plain C++, ${tool}`),
    ...LINES.map((line) => `the addon inside Node ${line}`),
  ],
  servers: () => namesIn('test/proof/servers/published', '.mjs'),
  simulator: () => ['60 s of CPU'],
  soak: () => ['2,000,000'],
  suites: () => namesIn('scripts/proof/suites/list', '.json').map(packageOfSuite),
};

/** The first cells of the rows that name a test. */
function subjectsOf(page) {
  const lines = fs.readFileSync(path.join(root, page), 'utf8').split('\n');
  return lines.flatMap((line) => (line.includes('.test.ts') ? (/^\| (.*?) \|/.exec(line)?.[1] ?? []) : []));
}

function packageOfSuite(name) {
  const { npm } = JSON.parse(fs.readFileSync(path.join(root, 'scripts/proof/suites/list', `${name}.json`), 'utf8'));
  return npm?.replace(/(?<=.)@.*/, '') ?? name;
}

/** The leaks among the cases of a folder, read from their text: what they import may not be installed. */
function casesIn(folder, prefix) {
  return namesIn(folder, '.mjs').flatMap((family) => {
    const file = path.join(root, folder, `${family}.mjs`);
    const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    const exported = source.statements.find(ts.isExportAssignment)?.expression;
    if (!exported || !ts.isObjectLiteralExpression(exported)) throw new Error(`${file} exports no object of cases`);
    return exported.properties.filter(isLeak).map(({ name }) => `${prefix}${family}/${name.text}`);
  });
}

function isLeak(property) {
  const scenario = property.initializer;
  const expected = scenario?.properties?.find(({ name }) => name?.text === 'expect')?.initializer;
  const facts = expected && ts.isObjectLiteralExpression(expected) ? expected.properties : [];
  return !facts.some(({ name }) => name?.text === 'silent');
}

/** Section → why the page does not have it yet. Nothing of it is claimed anywhere. */
export const PENDING = {};
