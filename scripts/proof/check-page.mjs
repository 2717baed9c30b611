/**
 * Whether docs/proof.md has a row for everything that `npm run proof` measures, and each row names a commit of this repository: one that
 * was measured on sources that no commit has, or on another branch, proves nothing to who reads it. Exits with 1 and says what is wrong.
 *
 *   node scripts/proof/check-page.mjs
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXPECTED, PENDING } from './expected-rows.mjs';

const folder = import.meta.dirname;
const PAGE = path.join(folder, '../../docs/proof.md');
/** Proofs that have no section, and why. */
const WITHOUT_SECTION = { release: 'its verdict is about the next release alone' };

/**
 * @param text the page
 * @param expected section → the first cells of its rows
 * @param isCommit whether a name is a commit of the repository
 * @returns a sentence for each thing that is wrong
 */
export function faultsOf(text, expected, isCommit) {
  return Object.entries(expected).flatMap(([section, firstCells]) => {
    const rows = rowsOf(text, section);
    if (rows === undefined) return [`there is no section ${section}: npm run proof -- ${section}`];
    const missing = firstCells.filter((cell) => !rows.some((row) => isOf(row, cell)));
    const wanted = rows.filter((row) => firstCells.some((cell) => isOf(row, cell)));
    const uncommitted = wanted.filter(({ commit }) => !isCommit(commit));
    return [
      ...missing.map((cell) => `${section} has no row ${cell}: npm run proof -- ${section}`),
      ...uncommitted.map(
        ({ first, commit }) => `${section}, ${first}: ${commit || 'nothing'} is no commit of this repository`,
      ),
    ];
  });
}

/** Behind a name there may be a version (`ws@8.23.0`, `Node 20.20.2`) or what it means (`start: a guard is made`). */
const isOf = ({ first }, cell) => first === cell || (first.startsWith(cell) && '@.:'.includes(first[cell.length]));

/** The rows of the first table of a section: what stands in the first column, and in the one called `commit`. */
function rowsOf(text, section) {
  const marks = [
    [`<!-- proof:${section}:start -->`, `<!-- proof:${section}:end -->`],
    [`<!-- ${section}: begin -->`, `<!-- ${section}: end -->`],
  ];
  const [start, end] = marks.find(([mark]) => text.includes(mark)) ?? [];
  if (start === undefined) return undefined;
  const lines = text.slice(text.indexOf(start), text.indexOf(end)).split('\n');
  const from = lines.findIndex((line) => line.startsWith('| '));
  if (from < 0) return [];
  const [head, , ...rows] = lines.slice(from, lines.indexOf('', from)).map(cellsOf);
  const at = head.indexOf('commit');
  return rows.map((cells) => ({ first: cells[0].replaceAll('\\|', '|'), commit: cells[at] ?? '' }));
}

const cellsOf = (line) => line.slice(2, -2).split(' | ');

const commits = new Map();

function isCommit(name) {
  if (!/^[0-9a-f]{7,40}$/.test(name)) return false;
  let known = commits.get(name);
  if (known === undefined) {
    known = spawnSync('git', ['cat-file', '-e', `${name}^{commit}`], { cwd: folder }).status === 0;
    commits.set(name, known);
  }
  return known;
}

function check() {
  const scripts = fs.readdirSync(folder).filter((file) => file.endsWith('.mjs') && !file.includes('-'));
  const proofs = scripts.map((file) => path.basename(file, '.mjs')).filter((name) => !['main', 'page'].includes(name));
  const unlisted = proofs.filter((name) => !(name in EXPECTED) && !(name in WITHOUT_SECTION));
  const due = Object.entries(EXPECTED).filter(([section]) => !(section in PENDING));
  const expected = Object.fromEntries(due.map(([section, list]) => [section, list()]));
  const faults = [
    ...unlisted.map((name) => `scripts/proof/expected-rows.mjs does not say which rows ${name} has`),
    ...faultsOf(fs.readFileSync(PAGE, 'utf8'), expected, isCommit),
  ];
  for (const fault of faults) console.log(`FAILED: ${fault}`);
  for (const [section, why] of Object.entries(PENDING)) console.log(`NOT MEASURED YET: ${section}: ${why}`);
  const rows = Object.values(expected).flat().length;
  console.log(
    `docs/proof.md: ${Object.keys(expected).length} sections, ${rows} rows expected, ${faults.length} faults`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) check();
