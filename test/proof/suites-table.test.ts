import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root } from '../support/programs.js';

const { suitesSection } = await import(pathToFileURL(path.join(root, 'scripts/proof/suites-table.mjs')).href);

const report = {
  kind: 'reset',
  cause: 'never-read',
  side: 'inbound',
  count: 2,
  released: 0,
  verdict: 'true',
  why: 'W',
};
const result = (label: string, tests: number, reports = [report]): object => ({
  ...{ label, tests, failedBare: 0, failedGuarded: 0, differences: [], processes: 1, reports, commit: 'abcdef0' },
});
const rowsOf = (lines: string[]): string[] => lines.filter((line) => line.startsWith('| ') && !line.includes('---'));

describe('the table of the suites', () => {
  it('keeps the rows of suites that did not run this time, and adds all up', () => {
    const old = suitesSection([result('@x/b@1.0.0', 10), result('a@1.0.0', 5)], []).join('\n');
    const lines = suitesSection([result('@x/b@2.0.0', 11, [])], ['c', 'a'], old);
    expect(rowsOf(lines).map((line) => line.split(' | ').slice(0, 2).join(' '))).toEqual([
      '| suite tests',
      '| a@1.0.0 5',
      '| @x/b@2.0.0 11',
      '| 2 suites 16',
      '| suite kind, cause',
      '| a@1.0.0 reset, never-read',
    ]);
    expect(lines).toContain('Not run: c.');
  });

  it('makes the same of what it made', () => {
    const made = suitesSection([result('a@1.0.0', 5), result('b@0123456789', 7)], []);
    expect(suitesSection([], [], made.join('\n'))).toEqual(made);
  });
});
