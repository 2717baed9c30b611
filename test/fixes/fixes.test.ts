import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runNode } from '../support/programs.js';

const RUNNER = path.join(root, 'test/fixes/run.mjs');
/** Set by `npm run proof`: also the APIs whose packages are fetched for it. */
const all = process.env.CLOSE_WAIT_GUARD_ALL_APIS === undefined ? [] : ['--all'];
const list = await runNode([RUNNER, '--list', ...all], {}, 300_000);
const ids = JSON.parse(list.stdout) as string[];

describe.concurrent('the fix of a report, typed into the program that leaks,', () => {
  it.each(ids)('frees the socket and harms nobody: %s', { timeout: 90_000 }, async (id) => {
    const args = [RUNNER, '--register', path.join(root, 'dist/register.js'), ...all, '--exactly', id];
    const { stdout, stderr } = await runNode(args, {}, 80_000);
    expect(stdout + stderr).toMatch(new RegExp(`^${id}: free after \\d+ ms\n$`));
  });
});
