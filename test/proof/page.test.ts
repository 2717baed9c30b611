import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../support/programs.js';

const { writeTable } = await import(pathToFileURL(path.join(root, 'scripts/proof/page.mjs')).href);

describe('the page that the proofs write', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'proof-page-'));
    file = path.join(folder, 'proof.md');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, rows: string[][], all?: boolean): void =>
    writeTable(name, { title: `Of ${name}`, text: 'How.', head: ['what', 'figure'], rows, all, file });
  const rows = (): string[] => {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line.startsWith('| ')).map((line) => line.split(' | ', 2).join(' | ').slice(2));
  };

  it('names commit and machine in every row', () => {
    write('a', [['one', '1']]);
    expect(readFileSync(file, 'utf8')).toMatch(/^\| one \| 1 \| [0-9a-f]{7,}[^|]* \| [^|]+ cores, Node [\d.]+ \|$/m);
  });

  it('replaces the rows that are measured again and keeps the others', () => {
    write('a', [
      ['one', '1'],
      ['two', '2'],
    ]);
    write('a', [['two', '3']]);
    expect(rows()).toEqual(['what | figure', '--- | ---', 'one | 1', 'two | 3']);
  });

  it('drops a row that is no longer measured when all are', () => {
    write('a', [['gone', '1']]);
    write('a', [['one', '1']], true);
    expect(rows()).toEqual(['what | figure', '--- | ---', 'one | 1']);
  });

  it('leaves other sections as they are', () => {
    write('a', [['one', '1']]);
    write('b', [['one', '1']]);
    const before = readFileSync(file, 'utf8');
    write('a', [['one', '2']]);
    expect(readFileSync(file, 'utf8')).toBe(before.replace('| one | 1 |', '| one | 2 |'));
  });

  it('keeps a pipe inside a cell', () => {
    write('a', [['a|b', '1']]);
    write('a', [['a|b', '2']]);
    expect(rows().slice(2)).toEqual([String.raw`a\|b | 2`]);
  });
});
