import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Reads the types of dist/, which `npm test` has built. */
it('api/ says what the built types say: if a change of the public API is meant, npm run api', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/api-report.mjs', '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('has nothing of the inside of a guard', () => {
  const text = readdirSync('api')
    .map((name) => readFileSync(`api/${name}`, 'utf8'))
    .join('\n');
  expect(text).toMatch(/interface Guard extends/);
  expect(text).not.toMatch(
    /internal|NativeBinding|Sampler|GuardImplementation|socketsAwaitingFin|destroySocket|closeSockets/i,
  );
});
