/**
 * `inspect` against ss and lsof: programs in three languages whose sockets are of every kind, each started by root and by another user and
 * seen by both, and what it takes at 9,000 sockets.
 *
 *   node scripts/proof/inspect.mjs            prints the rows
 *   node scripts/proof/inspect.mjs --write    writes them into docs/proof.md
 *
 * It runs test/adapters/inspect, which compares every socket with `ss -tanp`, and bench/inspect.mjs. As root, with ss, lsof, python3 and cc.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { measureInspect } from '../../bench/inspect.mjs';
import { median } from '../../bench/stats.mjs';
import { writeTable } from './page.mjs';

const root = path.join(import.meta.dirname, '../..');
const TEST = 'test/adapters/inspect/agrees-with-ss.test.ts';
const SOCKETS = 9_000;
const WANTED = 10;

/** A row for each test of the comparison: its name, and whether it holds. */
function agreements() {
  const out = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'proof-inspect-')), 'results.json');
  spawnSync('npx', ['vitest', 'run', TEST, '--reporter=json', `--outputFile=${out}`], { cwd: root, stdio: 'ignore' });
  const { testResults } = JSON.parse(fs.readFileSync(out, 'utf8'));
  fs.rmSync(path.dirname(out), { recursive: true, force: true });
  const verdicts = { passed: 'holds', skipped: 'not run here', pending: 'not run here' };
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .map(({ title, status }) => [
      title.replaceAll("'", '').replaceAll(/\bus\b/g, os.userInfo().username),
      'every socket of both views',
      verdicts[status] ?? 'FAILS',
    ]);
}

async function speed() {
  const times = await measureInspect({ sockets: SOCKETS, rounds: 7, say: (line) => console.log(`  ${line}`) });
  if (!times.lsof) return [[`${SOCKETS} sockets`, 'lsof is not here', 'not run here']];
  const lsof = median(times.lsof);
  const row = (name, ms, wanted) => [
    `${name}, ${SOCKETS} sockets`,
    `${ms.toFixed(0)} ms, lsof ${lsof.toFixed(0)} ms: ${(lsof / ms).toFixed(1)} times as long`,
    wanted === undefined ? 'measured' : lsof / ms >= wanted ? 'holds' : 'FAILS',
  ];
  return [
    row('the look', median(times.look), WANTED),
    row('the whole command', median(times.command)),
    row('Node.js alone, doing nothing', median(times.node)),
  ];
}

const rows = [...agreements(), ...(await speed())];
for (const row of rows) console.log(row.join(' | '));
if (process.argv.includes('--write')) {
  writeTable('inspect', {
    title: 'Seen from outside',
    text: `\`close-wait-guard inspect\` against \`ss -tanp\`: state, both queues, both ends and fd of every socket of a process are the same, whatever the process
is written in and whoever looks; what no table lists (a socket that was reset) it has besides. And against \`lsof -nP -p\` at ${SOCKETS.toLocaleString('en')} sockets,
measured in turn in one run: the look itself takes at most a tenth; the whole command is mostly the start of Node.js.`,
    head: ['what', 'figure', 'verdict'],
    rows,
    all: true,
  });
}
process.exitCode = rows.some(([, , verdict]) => verdict === 'FAILS') ? 1 : 0;
