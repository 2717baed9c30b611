import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root } from '../support/programs.js';

const { faultsOf } = await import(pathToFileURL(path.join(root, 'scripts/proof/check-page.mjs')).href);

const page = (rows: string[]): string =>
  [
    '# Proof',
    '',
    '<!-- proof:a:start -->',
    '',
    '| what | figure | commit | machine |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Another table, which is not looked at:',
    '',
    '| what | commit |',
    '| --- | --- |',
    '| two | 0000000 |',
    '',
    '<!-- proof:a:end -->',
  ].join('\n');
const known = (commit: string): boolean => commit === 'abcdef0';
const faults = (rows: string[], expected: Record<string, string[]> = { a: ['one', 'two'] }): string[] =>
  faultsOf(page(rows), expected, known);

describe('the check of docs/proof.md', () => {
  it('finds nothing wrong with a page that has every row', () => {
    expect(faults(['| one | 1 | abcdef0 | here |', '| two | 2 | abcdef0 | here |'])).toEqual([]);
  });

  it('names a row that is missing, and the command that makes it', () => {
    expect(faults(['| one | 1 | abcdef0 | here |'])).toEqual(['a has no row two: npm run proof -- a']);
  });

  it.each(['abcdef0 with changes', 'unknown', '1234567', ''])('names a row of the commit "%s"', (commit) => {
    const wrong = faults(['| one | 1 | abcdef0 | here |', `| two | 2 | ${commit} | here |`]);
    expect(wrong).toEqual([`a, two: ${commit || 'nothing'} is no commit of this repository`]);
  });

  it('names a section that is missing', () => {
    expect(faults([], { b: ['one'] })).toEqual(['there is no section b: npm run proof -- b']);
  });

  it('knows the row of a package by its name, whatever its version', () => {
    expect(faults(['| @x/one@1.2.0 | 1 | abcdef0 | here |'], { a: ['@x/one'] })).toEqual([]);
    expect(faults(['| @x/one-more@1.2.0 | 1 | abcdef0 | here |'], { a: ['@x/one'] })).toHaveLength(1);
  });
});
