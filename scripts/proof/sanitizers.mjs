/**
 * The C++ under the sanitizers of GCC and under valgrind (test/kernel/sanitize.sh), and the addon with address and undefined-behaviour
 * sanitizers inside Node 20, 22, 24 and 26, with workers that are terminated in mid-sample (test/kernel/sanitize-node.mjs).
 *
 *   node scripts/proof/sanitizers.mjs [--write] [--node 20,22,24,26] [--rounds 20] [--workers 20] [--inside]
 *
 * With --inside only the addon inside Node; rows of what is not run stay as they are.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { table, writeTable } from './page.mjs';

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    node: { type: 'string', default: '20,22,24,26' },
    rounds: { type: 'string', default: '20' },
    workers: { type: 'string', default: '20' },
    inside: { type: 'boolean', default: false },
  },
});
const kernel = path.join(import.meta.dirname, '../../test/kernel');
const HEAD = ['what', 'under', 'checks', 'workers terminated', 'reports', 'verdict'];
const TOOLS = {
  address: 'AddressSanitizer (with leaks) and UndefinedBehaviorSanitizer',
  thread: 'ThreadSanitizer',
  valgrind: 'valgrind memcheck',
};

function cpp(tool) {
  const { status, stdout, stderr } = spawnSync('bash', [path.join(kernel, 'sanitize.sh'), tool], { encoding: 'utf8' });
  process.stdout.write(stdout);
  const checks = /^(\d+) checks held, 0 did not$/m.exec(stdout)?.[1];
  const clean = status === 0 && checks !== undefined;
  if (!clean) process.stderr.write(stderr);
  return [
    `the plain C++, ${tool}`,
    TOOLS[tool],
    checks ?? 'unknown',
    'none',
    clean ? '0' : 'see its output',
    clean ? 'holds' : 'fails',
  ];
}

function insideNode() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sanitizers-'));
  const json = path.join(folder, 'rows.json');
  try {
    const args = ['--node', values.node, '--rounds', values.rounds, '--workers', values.workers, '--json', json];
    spawnSync(process.execPath, [path.join(kernel, 'sanitize-node.mjs'), ...args], { stdio: 'inherit' });
    if (!fs.existsSync(json)) return [['the addon inside Node', TOOLS.address, '0', '0', 'see its output', 'fails']];
    const wanted = Number(values.rounds) * Number(values.workers);
    return JSON.parse(fs.readFileSync(json, 'utf8')).map(({ node, passed, terminated, failed, reports }) => [
      `the addon inside Node ${node}`,
      'AddressSanitizer and UndefinedBehaviorSanitizer',
      String(passed),
      String(terminated),
      String(reports.length),
      failed.length === 0 && reports.length === 0 && passed > 0 && terminated === wanted ? 'holds' : 'fails',
    ]);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const rows = [...(values.inside ? [] : Object.keys(TOOLS).map(cpp)), ...insideNode()];
console.log(table(HEAD, rows));
if (values.write) {
  writeTable('sanitizers', {
    title: 'Sanitizers',
    text: `The plain C++ by its own checks, several threads at once among them (\`bash test/kernel/sanitize.sh TOOL\`), and the addon inside official Node: the tests of \`test/kernel\`, every function with good and bad arguments, and ${values.rounds} times ${values.workers} workers that are terminated in mid-sample.`,
    head: HEAD,
    rows,
  });
}
process.exitCode = rows.every((row) => row.at(-1) === 'holds') ? 0 : 1;
