/**
 * The fix of every report, typed into the program that leaked: those of test/fixes/cases with the packages of every API, and
 * those of the corpus. Whether the leak is gone is asked of the kernel. Prints a line for each and with --write writes a row
 * into docs/proof.md. Exits with 1 where a fix is none.
 *
 *   node scripts/proof/fixes.mjs --write
 *   node scripts/proof/fixes.mjs corpus/ fastify/     these alone (parts of names)
 *
 * It uses what `npm run build` has made. The packages are installed once, into test/apis.
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
const HEAD = ['case', 'cause', 'framework', 'fix', 'leak gone', 'healthy client', 'verdict'];
const root = path.join(import.meta.dirname, '../..');
const results = tryAll();
const rows = results.map(({ id, cause = '', reason, framework = '', fix = '', wrong, goneAfterMs, healthy }) => [
  id,
  reason === undefined ? cause : `${cause}, ${reason}`,
  framework,
  // Of a process, another run has another one.
  fix.replaceAll(/\bprocess \d+/g, 'process N'),
  wrong ? 'no' : goneAfterMs === undefined ? 'named' : 'yes',
  wrong ? '' : healthy ? 'served' : '',
  wrong ?? 'holds',
]);
const good = results.filter(({ wrong }) => wrong === undefined).length;

console.log(`\n${table(HEAD, rows)}`);
if (options.write) {
  writeTable('fixes', {
    title: 'Fixes',
    text: (
      lines,
    ) => `${lines.filter((line) => line.includes('| holds |')).length} of ${lines.length} fixes work as written. Each program leaks, its report is held against what the case expects, and the code that the
report names is typed in: *leak gone* is what the kernel then says, *named* that the fix is to let another guard name the socket,
which it did, and *served* that a healthy client of the fixed program got its whole response, compared by checksum. The cases are in
[test/fixes](../test/fixes/README.md); those whose names begin with \`corpus/\` are the leaks of [the corpus](../test/corpus/README.md).`,
    head: HEAD,
    rows,
    all: positionals.length === 0,
  });
}
process.exitCode = good === results.length && good > 0 ? 0 : 1;

function tryAll() {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-fixes-proof-'));
  try {
    const json = path.join(scratch, 'results.json');
    const runner = path.join(root, 'test/fixes/run.mjs');
    const args = [runner, '--register', path.join(root, 'dist/register.js'), '--all', '--json', json, ...positionals];
    spawnSync(process.execPath, args, { stdio: 'inherit' });
    return fs.existsSync(json) ? JSON.parse(fs.readFileSync(json, 'utf8')) : [];
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}
