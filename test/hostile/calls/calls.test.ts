import { expect, it } from 'vitest';
import { addonFile } from '../../support/programs.js';
import { CALLS, SYMBOLS, symbolsOf } from './calls.mjs';
import { playAll, type CallResult, type Job } from './run.mjs';

/** One cell of each call; `node scripts/proof/calls.mjs` plays all. */
const SAMPLE: Job[] = [
  { scenarios: ['watch'], atMost: 1 },
  { scenarios: ['reclaim'], atMost: 1 },
  { scenarios: ['children', 'write'], atMost: 1 },
  { scenarios: ['watch', 'write'], older: true, atMost: 1 },
];

it('each function of libc that the addon calls can be failed, or cannot fail', ({ skip }) => {
  let symbols: string[];
  try {
    symbols = symbolsOf(addonFile);
  } catch (error) {
    skip((error as NodeJS.ErrnoException).code === 'ENOENT', 'there is no nm (binutils)');
    throw error;
  }
  expect(symbols).toContain('getsockopt');
  expect(symbols.filter((name) => !(name in SYMBOLS))).toEqual([]);
  const known = Object.values(SYMBOLS).flat();
  expect(Object.keys(CALLS).filter((call) => !known.includes(call))).toEqual([]);
});

it('a call that fails hurts nobody, is counted once and said once', { timeout: 120_000 }, async ({ skip }) => {
  let results: CallResult[];
  try {
    results = await playAll(SAMPLE);
  } catch (error) {
    skip((error as NodeJS.ErrnoException).code === 'ENOENT', 'there is no C compiler (cc) to build the shim with');
    throw error;
  }
  const faults = results.flatMap((result) =>
    result.faults.map((fault) => `${result.scenario}, ${result.call}: ${fault}`),
  );
  expect(faults).toEqual([]);
  expect(results.reduce((sum, { cells }) => sum + cells, 0)).toBeGreaterThanOrEqual(60);
});
