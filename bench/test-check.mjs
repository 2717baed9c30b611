/**
 * What the check costs a test that leaks nothing: the time from the end of one test to the beginning of the next with it and
 * without it, in the real runners. Part of `npm run bench`; by itself it exits with 1 where a test pays more than 3 ms.
 *
 *   node bench/test-check.mjs [--quick]
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { environmentOfAUser } from '../scripts/npm-cache.mjs';
import { machineLine } from './machine.mjs';
import { fixed, table } from './render.mjs';
import { median, quantile } from './stats.mjs';

const MOST_MS = 3;
const TESTS = 300;
const folder = path.join(import.meta.dirname, 'test-check');
const vitest = path.join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');

/** How each is started, with the check and without. */
const RUNNERS = {
  'vitest, setup file': () => [vitest, 'run', '--root', folder],
  'node:test, `--import`': (check) => [
    ...(check ? ['--import', 'close-wait-guard/node-test'] : []),
    ...['--test', path.join(folder, 'node-test.mjs')],
  ],
  '`assertNoLeakedSockets()`': () => [path.join(folder, 'assert.mjs')],
};

/** Of each runner the times between two tests, with the check and without it. */
export function measureTestCheck({ quick, say }) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-bench-'));
  try {
    return Object.entries(RUNNERS).map(([runner, args]) => {
      say(`  ${runner}`);
      const [without, checked] = [[], []];
      // By turns: whatever else the machine does befalls both.
      for (let round = 0; round < (quick ? 1 : 5); round++) {
        without.push(...gapsOf(args(false), false, scratch));
        checked.push(...gapsOf(args(true), true, scratch));
      }
      return { runner, without, checked, paysMs: median(checked) - median(without) };
    });
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

export function renderTestCheck(measured) {
  const header = [
    'milliseconds between two clean tests: median (middle half)',
    'without',
    'with the check',
    'a test pays',
  ];
  const rows = measured.map(({ runner, without, checked, paysMs }) => [
    ...[runner, fixed(median(without), 2)],
    `${fixed(median(checked), 2)} (${fixed(quantile(checked, 0.25), 2)} to ${fixed(quantile(checked, 0.75), 2)})`,
    `**${fixed(paysMs, 2)}**`,
  ]);
  return table(header, rows);
}

function gapsOf(args, check, scratch) {
  const result = path.join(scratch, 'gaps.json');
  const settings = { BENCH_RESULT: result, BENCH_TESTS: String(TESTS), BENCH_CHECK: check ? '1' : '0' };
  const env = { ...environmentOfAUser(), ...settings };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
  return JSON.parse(fs.readFileSync(result, 'utf8'));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const measured = measureTestCheck({ quick: process.argv.includes('--quick'), say: () => {} });
  console.log(`${renderTestCheck(measured)}\n\n${machineLine()}`);
  process.exitCode = measured.some(({ paysMs }) => paysMs > MOST_MS) ? 1 : 0;
}
