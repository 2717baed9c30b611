import path from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

/** Lints a snippet as if it stood at `file`, with the project's own configuration (less the rules that need a whole program). */
async function lint(file: string, code: string): Promise<string[]> {
  const eslint = new ESLint({ cwd: root, overrideConfig: [tseslint.configs.disableTypeChecked] });
  const [result] = await eslint.lintText(code, { filePath: path.join(root, file) });
  return (result?.messages ?? []).map((message) => `${message.ruleId ?? 'parse error'}: ${message.message}`);
}

describe('imports in src/ only go down the layers', () => {
  it.each([
    ['src/kernel/x.ts', `export * from '../sockets/x.js';`, /kernel layer must not import '\.\.\/sockets\/x\.js'/],
    ['src/kernel/x.ts', `export type { Guard } from '../guard.js';`, /kernel layer must not import/],
    ['src/kernel/deep/x.ts', `export * from '../../guard.js';`, /kernel layer must not import/],
    ['src/sockets/x.ts', `export { x } from '../leaks/x.js';`, /sockets layer must not import/],
    [
      'src/leaks/x.ts',
      `import type { Socket } from 'node:net';\nexport type X = Socket;`,
      /must not import 'node:net'/,
    ],
    ['src/leaks/x.ts', `import net from 'node:net';\nexport { net };`, /must not import 'node:net'/],
    ['src/leaks/x.ts', `export { x } from '../kernel/native.js';`, /only types of the kernel layer/],
    ['src/leaks/x.ts', `export { x } from '../sockets/x.js';`, /only types of the sockets layer/],
    ['src/leaks/x.ts', `export type X = import('../guard.js').Guard;`, /leaks layer must not import/],
    ['src/guard.ts', `export const later = () => import('./fastify.js');`, /guard layer must not import/],
    ['src/guard.ts', `export * from 'prom-client';`, /must not import 'prom-client'/],
    ['src/fastify.ts', `export * from './testing/index.js';`, /fastify layer must not import/],
    ['src/prometheus.ts', `export * from './fastify.js';`, /prometheus layer must not import/],
    ['src/testing/index.ts', `export * from './vitest.js';`, /testing layer must not import/],
    ['src/testing/index.ts', `export * from 'vitest';`, /must not import 'vitest'/],
    ['src/guard.ts', `export * from '../test/support/x.js';`, /outside of src/],
    ['src/surprise.ts', `export const x = 1;`, /belongs to no layer/],
  ])('%s: %s', async (file, code, expected) => {
    expect(await lint(file, code)).toEqual([expect.stringMatching(expected)]);
  });

  it.each([
    ['src/kernel/x.ts', `export * from './native.js';\nexport * from '../errors.js';\nexport * from 'node:fs';`],
    ['src/sockets/x.ts', `export * from '../kernel/native.js';\nexport * from 'node:net';`],
    ['src/leaks/x.ts', `export type { X } from '../kernel/native.js';\nexport * from './y.js';`],
    ['src/guard.ts', `export * from './kernel/x.js';\nexport * from './sockets/x.js';\nexport * from './leaks/x.js';`],
    ['src/fastify.ts', `export * from './guard.js';\nexport const later = () => import('./prometheus.js');`],
    ['src/register.ts', `export * from './guard.js';\nexport const later = () => import('./prometheus.js');`],
    ['src/testing/vitest.ts', `export * from './index.js';\nexport * from 'vitest';`],
  ])('%s may: %s', async (file, code) => {
    expect(await lint(file, code)).toEqual([]);
  });
});

describe('src/leaks is pure', () => {
  it.each(['Date.now()', 'performance.now()', 'process.pid', 'setTimeout(() => 0, 1)'])('no %s', async (call) => {
    expect(await lint('src/leaks/x.ts', `export const x = ${call};`)).toEqual([
      expect.stringMatching(/^no-restricted-globals: .*src\/leaks is pure/),
    ]);
  });
});

describe('nothing is dropped silently', () => {
  it.each(['catch {}', 'catch { /* never mind */ }'])('no %s in src', async (clause) => {
    expect(await lint('src/guard.ts', `try { JSON.parse(''); } ${clause}`)).toContainEqual(
      expect.stringMatching(/no empty catch/),
    );
  });

  it.each(['it.only', 'test.skip', 'describe.only', 'it.todo'])('no %s in tests', async (call) => {
    expect(await lint('test/x.test.ts', `${call}('x', () => 0);`)).toEqual([
      expect.stringMatching(/^no-restricted-syntax/),
    ]);
  });
});
