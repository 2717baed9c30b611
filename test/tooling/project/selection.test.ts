import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import selection from '../../selection.json' with { type: 'json' };
import { root } from '../../support/programs.js';

/** The test files that a name of test/selection.json stands for: a folder, a file, or the beginning of file names. */
function filesOf(name: string): string[] {
  const files = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' });
  return files
    .map((file) => path.join('test', file))
    .filter((file) => file.startsWith(name) && file.endsWith('.test.ts') && statSync(path.join(root, file)).isFile());
}

const OUTSIDE = /\b(createServer|connect|listen|spawn|spawnSync|fork|execFile)\(|support\/stage|dist\//;

describe('test/selection.json', () => {
  it.each(Object.values(selection).flat())('%s names tests', (name) => {
    expect(filesOf(name)).not.toEqual([]);
  });

  it.each(selection.unit.flatMap(filesOf))('%s opens no socket, starts no program and needs no build', (file) => {
    expect(readFileSync(path.join(root, file), 'utf8')).not.toMatch(OUTSIDE);
  });
});
