import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import selection from '../../selection.json' with { type: 'json' };
import { root } from '../../support/programs.js';

/** The test files that a name of test/selection.json stands for: a folder, a file, or the beginning of file names. */
function filesOf(name: string): string[] {
  return files.filter((file) => file.startsWith(name));
}

/** Without looking into packages that were installed for a test. */
const files = testFilesIn('test');

function testFilesIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFilesIn(name);
    return name.endsWith('.test.ts') ? [name] : [];
  });
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
