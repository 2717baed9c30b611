import path from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');

/** Lints a snippet as if it stood at `file`, with the project's own configuration (less the rules that need a whole program). */
async function lint(file: string, code: string): Promise<string[]> {
  const eslint = new ESLint({ cwd: root, overrideConfig: [tseslint.configs.disableTypeChecked] });
  const [result] = await eslint.lintText(code, { filePath: path.join(root, file) });
  return (result?.messages ?? []).map((message) => `${message.ruleId ?? 'parse error'}: ${message.message}`);
}

describe('imports in src/ only go down the layers', () => {
  it.each([
    ['src/kernel/x.ts', `export * from '../sockets/x.js';`, /kernel layer must not import '\.\.\/sockets\/x\.js'/],
    ['src/kernel/x.ts', `export type { Guard } from '../guard/guard.js';`, /kernel layer must not import/],
    ['src/kernel/deep/x.ts', `export * from '../../guard/guard.js';`, /kernel layer must not import/],
    ['src/layers/x.ts', `export { x } from '../sockets/x.js';`, /layers layer must not import/],
    ['src/sockets/x.ts', `export { x } from '../leaks/x.js';`, /sockets layer must not import/],
    [
      'src/leaks/x.ts',
      `import type { Socket } from 'node:net';\nexport type X = Socket;`,
      /must not import 'node:net'/,
    ],
    ['src/leaks/x.ts', `import net from 'node:net';\nexport { net };`, /must not import 'node:net'/],
    ['src/leaks/x.ts', `export { x } from '../kernel/native.js';`, /only types of the kernel layer/],
    ['src/leaks/x.ts', `export { x } from '../layers/x.js';`, /only types of the layers layer/],
    ['src/leaks/x.ts', `export type X = import('../guard/guard.js').Guard;`, /leaks layer must not import/],
    ['src/apis/x.ts', `export { x } from '../sockets/x.js';`, /only types of the sockets layer/],
    [
      'src/guard/x.ts',
      `export const later = () => import('../frameworks/fastify/plugin.js');`,
      /guard layer must not import/,
    ],
    ['src/guard/x.ts', `export * from 'prom-client';`, /must not import 'prom-client'/],
    ['src/frameworks/x.ts', `export * from '../testing/x.js';`, /frameworks layer must not import/],
    ['src/metrics/x.ts', `export * from '../frameworks/x.js';`, /metrics layer must not import/],
    ['src/testing/check/x.ts', `export * from '../runners/vitest.js';`, /testing layer must not import/],
    ['src/testing/check/x.ts', `export * from '../../metrics/x.js';`, /testing layer must not import/],
    ['src/testing/check/x.ts', `export * from '../../inspect/x.js';`, /testing layer must not import/],
    ['src/preload/x.ts', `export * from '../inspect/x.js';`, /preload layer must not import/],
    ['src/testing/check/x.ts', `export * from 'vitest';`, /must not import 'vitest'/],
    ['src/guard/x.ts', `export * from '../../test/support/x.js';`, /outside of src/],
    ['src/guard/x.ts', `export * from '../index.js';`, /guard layer must not import/],
    ['src/surprise.ts', `export * from './guard/guard.js';`, /belongs to no layer/],
    ['src/index.ts', `export const x = 1;`, /re-exports, nothing else/],
    ['src/index.ts', `import { x } from './guard/x.js';\nexport { x };`, /re-exports, nothing else/],
  ])('%s: %s', async (file, code, expected) => {
    expect(await lint(file, code)).toContainEqual(expect.stringMatching(expected));
  });

  it.each([
    ['src/kernel/x.ts', `export * from './native.js';\nexport * from '../base/errors.js';\nexport * from 'node:fs';`],
    ['src/sockets/x.ts', `export * from '../layers/notes.js';\nexport * from 'node:net';`],
    ['src/leaks/x.ts', `export type { X } from '../layers/facts.js';\nexport * from './y.js';`],
    ['src/guard/x.ts', `export * from '../kernel/x.js';\nexport * from '../leaks/x.js';`],
    ['src/frameworks/x.ts', `export * from '../guard/x.js';\nexport const later = () => import('../metrics/x.js');`],
    ['src/preload/x.ts', `export * from '../frameworks/x.js';`],
    ['src/inspect/commands/x.ts', `export * from '../frame/x.js';\nexport * from '../../preload/x.js';`],
    ['src/cli.ts', `import './inspect/main.js';`],
    ['src/testing/runners/x.ts', `export * from '../check/x.js';\nexport * from 'vitest';`],
    ['src/index.ts', `export * from './guard/x.js';`],
    ['src/register.ts', `import './preload/register.js';`],
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

describe('src has one clock, which fake timers do not stop', () => {
  it.each([
    'Date.now()',
    'new Date()',
    'performance.now()',
    'process.hrtime.bigint()',
    'setTimeout(() => 0, 1)',
    'clearTimeout(undefined)',
  ])('no %s', async (call) => {
    expect(await lint('src/testing/audit/x.ts', `export const x = ${call};`)).toEqual([
      expect.stringMatching(/^no-restricted-(globals|properties): .*Fake timers stop it/),
    ]);
  });

  it('nor the same by import', async () => {
    expect(await lint('src/guard/x.ts', `export { performance } from 'node:perf_hooks';`)).toEqual([
      expect.stringMatching(/no-restricted-imports: .*src\/base\/clock\.ts/),
    ]);
  });

  it.each([
    ['src/base/clock.ts', 'export const now = Date.now();'],
    ['src/guard/x.ts', `import { setTimeout } from 'node:timers';\nexport const x = setTimeout(() => 0, 1);`],
  ])('%s may: %s', async (file, code) => {
    expect(await lint(file, code)).toEqual([]);
  });
});

describe('nothing is dropped silently', () => {
  it.each(['catch {}', 'catch { /* never mind */ }'])('no %s in src', async (clause) => {
    expect(await lint('src/guard/x.ts', `try { JSON.parse(''); } ${clause}`)).toContainEqual(
      expect.stringMatching(/no empty catch/),
    );
  });

  it.each(['it.only', 'test.skip', 'describe.only', 'it.todo'])('no %s in tests', async (call) => {
    expect(await lint('test/x.test.ts', `${call}('x', () => 0);`)).toEqual([
      expect.stringMatching(/^no-restricted-syntax/),
    ]);
  });
});
