/**
 * What a hostile client, log, limit or sandbox does to a process with the guard: the standing tests of test/hostile and those that
 * test/hostile/README.md names beside them, a row for each subject.
 *
 *   node scripts/proof/hostile.mjs [--write]
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { table, writeTable } from './page.mjs';

const root = path.join(import.meta.dirname, '../..');
const HEAD = ['subject', 'tests', 'passed', 'not tested here', 'failed', 'verdict'];

/** The rows of the README's table: subject and files. */
function subjects() {
  const text = fs.readFileSync(path.join(root, 'test/hostile/README.md'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes('.test.ts'))
    .map((line) => {
      const [, subject = '', files = ''] = line.split('|').map((cell) => cell.trim());
      return { subject, files: [...files.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file]) => file) };
    });
}

const rows = [];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hostile-'));
try {
  const all = subjects();
  const json = path.join(folder, 'tests.json');
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const files = [...new Set(all.flatMap(({ files: own }) => own))];
  spawnSync(
    process.execPath,
    [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${json}`, ...files],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  const ran = new Map(
    JSON.parse(fs.readFileSync(json, 'utf8')).testResults.map(({ name, assertionResults }) => [
      path.relative(root, name),
      assertionResults,
    ]),
  );
  for (const { subject, files: own } of all) {
    const tests = own.flatMap((file) => ran.get(file) ?? []);
    const count = (...states) => tests.filter(({ status }) => states.includes(status)).length;
    const [passed, skipped] = [count('passed'), count('skipped', 'pending', 'todo')];
    const failed = tests.length - passed - skipped + own.filter((file) => !ran.has(file)).length;
    rows.push([
      subject,
      String(tests.length),
      String(passed),
      String(skipped),
      String(failed),
      failed === 0 && passed > 0 ? 'holds' : 'fails',
    ]);
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(table(HEAD, rows));
if (process.argv.includes('--write')) {
  writeTable('hostile', {
    title: 'Hostile clients, logs, limits and sandboxes',
    text: 'The standing tests that [test/hostile/README.md](../test/hostile/README.md) names: the server answers, a sample and a page stay bounded, the log is whole and escaped, the leak is found, nobody else is named, and what is missing is said.',
    head: HEAD,
    rows,
    all: true,
  });
}
process.exitCode = rows.length > 0 && rows.every((row) => row.at(-1) === 'holds') ? 0 : 1;
