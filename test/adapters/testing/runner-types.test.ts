import { cpSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../support/programs.js';
import { fixtures, projectWith, runIn } from './runner-projects.js';

/** What tsc has to say about a strict project, its libraries included. */
async function tsc(folder: string, files: readonly string[]): Promise<string> {
  const bin = path.join(root, 'node_modules/typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  return (await runIn(folder, [bin, ...options, ...files])).stdout;
}

describe('the types of the entry points for test runners', () => {
  it.each([
    ['jest', ['types/consumer.cts', 'types/consumer.mts']],
    ['node-test', ['types/consumer.mts']],
    ['vitest', ['types/consumer.mts']],
  ])(
    '%s',
    async (runner, files) => {
      expect(await tsc(path.join(fixtures, `${runner}-project`), files)).toBe('');
    },
    60_000,
  );

  describe.each(['vitest@3.2', 'vitest@5', 'jest@29'])('%s', (spec) => {
    it('as well', async (context) => {
      const project = `${spec.split('@')[0]!}-project`;
      const there = await projectWith(spec, project);
      if ('reason' in there) {
        context.skip(true, there.reason);
        return;
      }
      try {
        for (const types of ['@types/node', 'undici-types']) {
          const from = path.join(root, 'node_modules', types);
          cpSync(from, path.join(there.folder, '../node_modules', types), { recursive: true });
        }
        expect(await tsc(there.folder, ['types/consumer.mts'])).toBe('');
      } finally {
        there.remove();
      }
    }, 300_000);
  });
});
