/**
 * The addon with the address and undefined-behaviour sanitizers inside official Node: the tests of test/kernel, which call every
 * function of it with good and with bad arguments, and workers that are terminated in mid-sample (torture.mjs). A report of a sanitizer
 * aborts the process, so that a test fails, and is printed here.
 *
 *   node test/kernel/sanitize-node.mjs [--node 20,22,24,26] [--rounds 20] [--workers 20] [test/kernel/reader.test.ts …]
 *
 * `--json FILE` writes what was found, a row for each line of Node. Memory that Node itself leaves is not looked at: sanitize.sh does
 * that for the addon's own C++.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { nativeTarget } from '../../scripts/native-target.mjs';
import { nodeIncludeDir } from '../../scripts/node-headers.js';
import { environmentOfAUser, nodeBinary } from '../../scripts/npm-cache.mjs';

const root = path.join(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', default: '20,22,24,26' },
    rounds: { type: 'string', default: '20' },
    workers: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});

/** Not those that look at sources or start programs without the addon. */
const TESTS = fs
  .readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts') && name !== 'sources.test.ts')
  .map((name) => `test/kernel/${name}`);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sanitize-node-'));

function build() {
  const { sources, defines, cflags_cc: flags } = nativeTarget();
  const includes = [createRequire(import.meta.url)('node-addon-api').include_dir, nodeIncludeDir()];
  if (includes[1] === undefined) throw new Error("Node's headers are not here yet: npm run build:native fetches them");
  const addon = path.join(folder, 'close_wait_guard.node');
  const compiled = ['-shared', '-fPIC', '-g', '-O1', '-fno-omit-frame-pointer', '-fvisibility=hidden', ...flags];
  const checked = ['-fsanitize=address,undefined', '-fno-sanitize=vptr', '-fno-sanitize-recover=all'];
  execFileSync(
    process.env.CXX ?? 'g++',
    [
      ...compiled,
      ...checked,
      ...defines.map((define) => `-D${define}`),
      ...includes.flatMap((dir) => ['-isystem', dir]),
    ].concat(sources, ['-o', addon]),
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  return addon;
}

function environment(addon) {
  const reports = path.join(folder, 'report');
  const runtime = execFileSync(process.env.CXX ?? 'g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
  return {
    ...environmentOfAUser(),
    LD_PRELOAD: runtime,
    // V8 handles SIGSEGV itself where WebAssembly needs it.
    ASAN_OPTIONS: `detect_leaks=0:abort_on_error=1:allow_user_segv_handler=1:log_path=${reports}`,
    UBSAN_OPTIONS: `print_stacktrace=1:abort_on_error=1:log_path=${reports}`,
    CWG_TESTED_ADDON: addon,
    CLOSE_WAIT_GUARD_ADDON: addon,
  };
}

async function run(node, args, env) {
  const child = spawn(node, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 1_800_000 });
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { out, err, failed: code !== 0, end: code ?? signal };
}

/** What the sanitizers wrote since this was last asked. */
function takeReports() {
  const files = fs.readdirSync(folder).filter((name) => name.startsWith('report'));
  return files.map((name) => {
    const report = fs.readFileSync(path.join(folder, name), 'utf8');
    fs.rmSync(path.join(folder, name));
    return report;
  });
}

async function check(line, env) {
  const node = nodeBinary(line);
  const results = path.join(folder, 'tests.json');
  fs.rmSync(results, { force: true });
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const files = positionals.length > 0 ? positionals : TESTS;
  // A process under the sanitizer starts and runs several times slower.
  const slow = ['--testTimeout=120000', '--hookTimeout=120000', '--reporter=json', `--outputFile.json=${results}`];
  const tests = await run(node, [vitest, 'run', ...slow, ...files], env);
  const all = fs.existsSync(results)
    ? JSON.parse(fs.readFileSync(results, 'utf8')).testResults.flatMap((file) => file.assertionResults)
    : [];
  const failed = all
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]}`);
  if (tests.failed && failed.length === 0) failed.push(`vitest ended with ${tests.end}: ${tests.err.slice(-2_000)}`);
  const torture = await run(node, ['test/kernel/torture.mjs', values.rounds, values.workers], env);
  if (torture.failed) failed.push(`torture ended with ${torture.end}: ${torture.out}${torture.err.slice(-2_000)}`);
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  const passed = all.filter(({ status }) => status === 'passed').length;
  const { terminated } = torture.failed ? { terminated: 0 } : JSON.parse(torture.out);
  return { node: version, passed, terminated, failed, reports: takeReports() };
}

try {
  const env = environment(build());
  const rows = [];
  for (const line of values.node.split(',')) {
    const row = await check(line, env);
    rows.push(row);
    for (const report of row.reports) process.stderr.write(`${report}\n`);
    for (const failure of row.failed) process.stderr.write(`FAILED: ${failure}\n`);
    const { node, passed, terminated, failed, reports } = row;
    console.log(
      `Node ${node}: ${passed} tests passed, ${failed.length} failed, ${terminated} workers terminated, ${reports.length} reports`,
    );
  }
  if (values.json) fs.writeFileSync(values.json, JSON.stringify(rows));
  process.exitCode = rows.some(({ failed, reports, passed }) => failed.length > 0 || reports.length > 0 || passed === 0)
    ? 1
    : 0;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
