/**
 * Servers of the common frameworks with the preload in them, each with one leaking handler, and again with the fix that the
 * report names typed in: whether the leak is gone is asked of the kernel. Prints a row for each server, and with --write into
 * docs/proof.md. Exits with 1 where one is named otherwise than its users would, or its fix is no fix.
 *
 *   node scripts/proof/frameworks.mjs --write
 *   node scripts/proof/frameworks.mjs --explain koa hapi     these alone (parts of names), with their reports
 *
 * With all of them it also runs the test of the examples that need such packages. It uses what `npm run build` has made. The packages
 * are installed once, into test/apis.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { play } from '../../test/proof/frameworks/play.mjs';
import { rows as all } from '../../test/proof/frameworks/rows.mjs';
import { table, writeTable } from './page.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { explain: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});
const isAsked = ({ server }) => positionals.some((part) => server.toLowerCase().includes(part.toLowerCase()));
const chosen = positionals.length > 0 ? all.filter(isAsked) : all;
if (chosen.length === 0) {
  process.stderr.write(`frameworks: there is none of these; there are ${all.map(({ server }) => server).join(', ')}\n`);
  process.exit(2);
}

const HEAD = ['server', 'framework', 'route shown', 'fix', 'leak gone', 'verdict'];
const rows = [];
for (const row of chosen) {
  try {
    const { report, leaked, fix, gone, died } = await play(row);
    const faults = [
      !leaked && 'it did not leak',
      !report && 'no report',
      report && report.framework !== row.framework && `taken for ${report.framework}`,
      report && report.route !== row.route && `its route is ${row.route}`,
      report && fix === undefined && `the fix names none of ${row.fixes.join(', ')}`,
      fix !== undefined && !gone && 'its fix does not end the leak',
      died !== undefined && `the fix ended the program (${died})`,
    ].filter(Boolean);
    const shown = report ? `${report.method} ${report.route}` : '';
    rows.push([
      row.server,
      report?.framework ?? '',
      code(shown),
      code(fix ?? report?.fix ?? ''),
      gone ? 'yes' : 'no',
      faults.length === 0 ? 'holds' : faults.join('; '),
    ]);
    if (options.explain && report) console.log(`${report.explanation}\n${report.fix}`);
  } catch (error) {
    rows.push([row.server, '', '', '', '', 'not run']);
    console.log(`FAILED: ${row.server}: ${error.stack}`);
  }
  console.log(rows.at(-1).join(' | '));
}

console.log(`\n${table(HEAD, rows)}`);
if (options.write) {
  writeTable('frameworks', {
    title: 'Frameworks',
    text: `One leaking handler in each, with the preload: a client uploads what nobody reads and leaves (of the WebSocket, which was
paused, as well). *Route shown* is the report's; Koa, hapi, Hono and polka have a guard with the \`routeOf\` of
[their recipe](frameworks.md). *Fix* is the call that the report names, typed into the handler; *leak gone* is what the kernel then
says, within 3 s and so before any keep-alive time-out.`,
    head: HEAD,
    rows,
    all: chosen === all,
  });
}
const examplesHold = chosen !== all || runExamples();
process.exitCode = examplesHold && rows.every((row) => row.at(-1) === 'holds') ? 0 : 1;

function runExamples() {
  const root = path.join(import.meta.dirname, '../..');
  const args = ['node_modules/vitest/vitest.mjs', 'run', 'test/tooling/demo/framework-examples.test.ts'];
  const env = { ...process.env, CLOSE_WAIT_GUARD_TEST_APIS: '1' };
  return spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' }).status === 0;
}

function code(text) {
  return text === '' ? '' : `\`${text}\``;
}
