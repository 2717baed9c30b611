import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from '../support/programs.js';

const leaks = path.join(root, 'src/leaks');
const files = readdirSync(leaks, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** What a module imports at run time: `import type` is gone by then. */
function importsOf(file: string): string[] {
  const { outputText } = ts.transpileModule(readFileSync(path.join(leaks, file), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  return ts.preProcessFile(outputText).importedFiles.map(({ fileName }) => fileName);
}

describe('src/leaks does no I/O', () => {
  it.each(files)('%s imports nothing but its own folder, and words', (file) => {
    const imported = importsOf(file).map((name) => (name.startsWith('.') ? path.join(path.dirname(file), name) : name));
    expect(imported.filter((name) => name.startsWith('..') && !name.startsWith('../apis/'))).toEqual([]);
    expect(
      imported.filter((name) => !name.endsWith('.js')),
      'packages',
    ).toEqual([]);
  });

  it('is where the tracker and the diagnosis are', () => {
    expect(files).toEqual(expect.arrayContaining(['tracker.ts', 'diagnosis.ts', 'loop-clock.ts', 'causes/index.ts']));
  });
});
