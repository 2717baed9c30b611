import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { root } from '../support/programs.js';

const { differences, filesToRepeat } = await import(
  pathToFileURL(path.join(root, 'scripts/proof/suites/compare.mjs')).href
);

const passed = (file: string, name: string) => ({ file, name, outcome: 'passed' });
const failed = (file: string, name: string) => ({ file, name, outcome: 'failed' });

it('a test differs where no bare run of it and no guarded one came out alike', () => {
  const bare = [{ tests: [passed('a.js', 'one'), passed('a.js', 'two')] }];
  const guarded = [{ tests: [passed('a.js', 'one'), failed('a.js', 'two')] }];
  expect(differences(bare, guarded)).toEqual([{ name: 'a.js › two', bare: ['passed'], guarded: ['failed'] }]);
  expect(differences([...bare, ...guarded], guarded)).toEqual([]);
});

it('an outcome that only one side has differs, and its file is run again', () => {
  const whole = { tests: [passed('a.js', 'one'), passed('b.js', 'one')] };
  const found = differences([whole], [{ tests: [passed('a.js', 'one')] }]);
  expect(found).toEqual([{ name: 'b.js › one', bare: ['passed'], guarded: ['missing'] }]);
  expect(filesToRepeat(found)).toEqual(['b.js']);
});

it('a run of some files lacks no test of the others', () => {
  const bare = { tests: [passed('a.js', 'one'), passed('b.js', 'one')] };
  const guarded = { tests: [failed('a.js', 'one'), failed('b.js', 'one')] };
  const again = { files: ['b.js'], tests: [passed('b.js', 'one')] };
  // Were a.js missing from both of the second runs, it would have come out alike.
  expect(differences([bare, again], [guarded, again])).toEqual([
    { name: 'a.js › one', bare: ['passed'], guarded: ['failed'] },
  ]);
});
