import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runNode } from '../support/programs.js';

const RUNNER = path.join(root, 'test/fixes/run.mjs');
const list = await runNode([RUNNER, '--list'], {}, 60_000);
const listed = JSON.parse(list.stdout) as string[];
/** What every run of the suite tries. `.ci/run` tries the others that need no package of their own, and `npm run proof` all. */
const FAMILIES = ['express', 'fastify', 'fetch', 'http', 'net', 'undici', 'ws'];
const ids = listed.filter((id) => FAMILIES.includes(id.split('/', 1)[0]!));

describe.concurrent('the fix of a report, typed into the program that leaks,', () => {
  it.each(ids)('frees the socket and harms nobody: %s', { timeout: 90_000 }, async (id) => {
    const args = [RUNNER, '--register', path.join(root, 'dist/register.js'), '--exactly', id];
    const { stdout, stderr } = await runNode(args, {}, 80_000);
    expect(stdout + stderr).toMatch(
      new RegExp(`^${id}: (free after \\d+ ms|names it)\n1 of 1 fixes work as written\n$`),
    );
  });
});
