import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentOfAUser, outcomeOf, root } from '../../support/programs.js';

/** On the PATH, or where `scripts/npm-cache.mjs` has put it for another test: 100 MB are not fetched for this one. */
function findBun(): string | undefined {
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'close-wait-guard');
  const folders = existsSync(cache) ? readdirSync(cache).filter((name) => name.includes('bun')) : [];
  const candidates = [
    ...(process.env.PATH ?? '').split(':').map((folder) => path.join(folder, 'bun')),
    ...folders.map((name) => path.join(cache, name, `node_modules/@oven/bun-linux-${process.arch}/bin/bun`)),
  ];
  return candidates.find((file) => existsSync(file));
}

describe.each<[string, string[]]>([
  ['the preload', ['-r', './dist/register.js', '-e', 'console.log("the program runs")']],
  [
    'guards',
    [
      '-e',
      `import { createGuard } from './dist/index.js';
         const guards = [createGuard(), createGuard()];
         if (guards.every(({ supported }) => !supported)) console.log('the program runs');`,
    ],
  ],
])('Bun: %s', (_what, args) => {
  it('says once that it is not supported, and the program runs', async (context) => {
    const bun = findBun();
    context.skip(bun === undefined, 'needs bun, on the PATH or in the cache of npm packages');

    const outcome = await outcomeOf(spawn(bun!, args, { cwd: root, env: environmentOfAUser(), timeout: 45_000 }));
    expect(outcome).toMatchObject({ code: 0, stdout: 'the program runs\n' });
    expect(outcome.stderr.match(/CloseWaitGuardWarning: .*/g)).toEqual([
      expect.stringMatching(/watches no sockets here: it reads the sockets of Node\.js, and this is Bun \d/),
    ]);
  });
});
