/**
 * What the check costs a test that leaks nothing: the time from the end of one test to the beginning of the next with it and
 * without it, in the real runners. Exits with 1 where the median is above 3 ms.
 *
 *   node bench/test-check.mjs [--tests 300] [--rounds 5]
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { environmentOfAUser } from '../scripts/npm-cache.mjs';
import { machineLine } from './machine.mjs';
import { fixed, table } from './render.mjs';
import { median, quantile } from './stats.mjs';

const MOST_MS = 3;
const { values: options } = parseArgs({
  options: { tests: { type: 'string', default: '300' }, rounds: { type: 'string', default: '5' } },
});
const folder = path.join(import.meta.dirname, 'test-check');
const vitest = path.join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');

/** How each is started, with the check and without. */
const RUNNERS = {
  'vitest, setup file': () => [vitest, 'run', '--root', folder],
  'node:test, --import': (check) => [
    ...(check ? ['--import', 'close-wait-guard/node-test'] : []),
    ...['--test', path.join(folder, 'node-test.mjs')],
  ],
  '`assertNoLeakedSockets()`': () => [path.join(folder, 'assert.mjs')],
};

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-bench-'));
const rows = [];
let slow = false;
try {
  for (const [runner, args] of Object.entries(RUNNERS)) {
    const [without, with_] = [[], []];
    // By turns: whatever else the machine does befalls both.
    for (let round = 0; round < Number(options.rounds); round++) {
      without.push(...gapsOf(args(false), false));
      with_.push(...gapsOf(args(true), true));
    }
    const price = median(with_) - median(without);
    slow ||= price > MOST_MS;
    const middle = `${fixed(quantile(with_, 0.25), 2)} to ${fixed(quantile(with_, 0.75), 2)}`;
    rows.push([runner, fixed(median(without), 2), `${fixed(median(with_), 2)} (${middle})`, `**${fixed(price, 2)}**`]);
  }
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
console.log(
  table(['ms between two clean tests: median (middle half)', 'without', 'with the check', 'a test pays'], rows),
);
console.log(`\n${options.rounds} rounds of ${options.tests} tests. ${machineLine()}`);
process.exitCode = slow ? 1 : 0;

function gapsOf(args, check) {
  const result = path.join(scratch, 'gaps.json');
  const env = {
    ...environmentOfAUser(),
    BENCH_RESULT: result,
    BENCH_TESTS: options.tests,
    BENCH_CHECK: check ? '1' : '0',
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
  return JSON.parse(fs.readFileSync(result, 'utf8'));
}
