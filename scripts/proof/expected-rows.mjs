/**
 * The rows that docs/proof.md must have: for each section what stands in the first cells, taken from where the proof takes it
 * and without running or installing anything.
 */
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { rows as frameworks } from '../../test/proof/frameworks/rows.mjs';
import { rows as runners } from '../../test/proof/runners/rows.mjs';
import { TARGETS } from '../build-prebuilds.mjs';
import { cases as drills } from './drill/cases.mjs';

const root = path.join(import.meta.dirname, '../..');
const namesIn = (folder, ending) =>
  fs
    .readdirSync(path.join(root, folder))
    .flatMap((file) => (file.endsWith(ending) ? [path.basename(file, ending)] : []));

/** Section → the first cells of its rows. Of a suite it is the package's name: its version is the run's. */
export const EXPECTED = {
  binaries: () => TARGETS.map(({ file }) => file),
  drill: () => Object.keys(drills),
  fixes: () => [...casesIn('test/fixes/cases', ''), ...casesIn('test/corpus/cases', 'corpus/')],
  frameworks: () => frameworks.map(({ server }) => server),
  paging: () => ['CloseWaitLeak'],
  runners: () => runners.map(({ runner }) => runner),
  servers: () => namesIn('test/proof/servers/published', '.mjs'),
  suites: () => namesIn('scripts/proof/suites/list', '.json').map(packageOfSuite),
};

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
