// docs/proof.md: each script of this folder writes one section of it and leaves the others as they are.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('../../docs/proof.md', import.meta.url));

const HEAD = `# Proof

What this library claims, held against programs that are not its own. \`npm run proof\` measures everything again and rewrites the
sections below, \`npm run proof -- NAME\` one of them. A row names the commit and the machine it was measured on.
`;

/**
 * Writes the table of a section; the other sections stay. Every row gets the commit and the machine it was measured on. A row
 * whose first cell is in the page is replaced, the rest are kept with the commit they were measured at, unless `all` says that
 * these are all the rows there are. `text` stands above the table, or what it returns for the rows of it, each a line of Markdown.
 */
export function writeTable(name, { title, text, head, rows, all = false, file = page }) {
  const [start, end] = [`<!-- proof:${name}:start -->`, `<!-- proof:${name}:end -->`];
  const old = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : HEAD;
  const [from, to] = [old.indexOf(start), old.indexOf(end)];
  const whole = from >= 0 && to > from;
  const kept = new Map(whole && !all ? rowsOf(old.slice(from, to)) : []);
  for (const row of rows) kept.set(cell(row[0]), line([...row, commit(), shortMachineLine()]));
  const sorted = [...kept].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  const columns = [...head, 'commit', 'machine'];
  const lines = [line(columns), line(columns.map(() => '---')), ...sorted].join('\n');
  const above = typeof text === 'function' ? text(sorted) : text;
  const section = `${start}\n\n## ${title}\n\n${above.trim()}\n\n${lines}\n\n${end}`;
  const tail = whole ? old.slice(to + end.length) : '\n';
  fs.writeFileSync(file, (whole ? old.slice(0, from) : `${old.trimEnd()}\n\n`) + section + tail);
}

/** first cell → row, of the table in a section */
function rowsOf(section) {
  const rows = section.split('\n').filter((row) => row.startsWith('| '));
  return rows.slice(2).map((row) => [row.slice(2, row.indexOf(' | ')), row]);
}

const cell = (value) => String(value).replace(/\|/g, '\\|').replace(/\s+/g, ' ');
const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;

/** A table of Markdown. `rows` are arrays of cells. */
export function table(head, rows) {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Of the checkout; marked where the library has changes, since those were measured too. */
export function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' });
  const { stdout, status } = git('rev-parse', '--short', 'HEAD');
  if (status !== 0) return 'unknown';
  const changed = git('status', '--porcelain', '--', ':/src', ':/native').stdout.trim() !== '';
  return stdout.trim() + (changed ? ' with changes' : '');
}

function shortMachineLine() {
  const cores = cpus();
  return `${cores[0]?.model.trim() || 'unknown CPU'}, ${cores.length} cores, Node ${process.versions.node}`;
}
