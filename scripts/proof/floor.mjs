/**
 * What a sample, a request and a connection cost, against the goals: the rows are those of the last `npm run bench` of this commit, which is
 * run where there is none. Takes some seventeen minutes then; a machine that does something else in them measures that.
 *
 *   node scripts/proof/floor.mjs --write
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { goalRows } from '../../bench/goals.mjs';
import { commit, table, writeTable } from './page.mjs';

const root = path.join(import.meta.dirname, '../..');
const file = path.join(root, 'build/bench.json');

function read() {
  const results = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
  return results !== undefined && isOfThisCode(results.commit) ? results : undefined;
}

/** Nothing of the library has changed since; the pages may have. */
function isOfThisCode(measuredAt) {
  if (!/^[\da-f]+$/.test(measuredAt) || commit().includes(' ')) return false;
  return (
    spawnSync('git', ['diff', '--quiet', measuredAt, 'HEAD', '--', 'src', 'native', 'bench'], { cwd: root }).status ===
    0
  );
}

let results = read();
if (results === undefined) {
  const { status } = spawnSync(process.execPath, ['bench/run.mjs'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  results = status === 0 ? read() : undefined;
}
if (results === undefined) {
  process.stderr.write('floor: the bench has not come to its end\n');
  process.exit(1);
}
const rows = goalRows(results.goals);
console.log(table(['goal', 'measured', 'limit', 'verdict'], rows));
if (process.argv.includes('--write')) {
  const met = results.goals.filter((goal) => goal.met).length;
  writeTable('floor', {
    title: 'What it costs',
    text: `${met} of ${rows.length} goals met. How each is measured is in [what it costs](cost.md), which the same run of \`npm run bench\` has printed.`,
    head: ['goal', 'measured', 'limit', 'verdict'],
    rows,
    all: true,
  });
}
// A goal that is missed is a figure, and the page has it; only a bench that fails is a fault.
