import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root, runNode } from '../support/programs.js';

const RUNNER = path.join(root, 'test/fixes/run.mjs');
/** What every run of the suite tries. `.ci/run` tries the others that need no package of their own, and `npm run proof` all. */
const FAMILIES = ['corpus/http', 'express', 'fastify', 'fetch', 'http', 'undici', 'ws'];
const list = await runNode([RUNNER, '--list'], {}, 60_000);
const ids = (JSON.parse(list.stdout) as string[]).filter((id) => FAMILIES.includes(path.dirname(id)));

describe('the fix of a report, typed into the program that leaks,', () => {
  let lines: readonly string[] = [];

  // One process tries them all: most of the time of one is waiting.
  beforeAll(async () => {
    const args = [RUNNER, '--register', path.join(root, 'dist/register.js'), '--jobs', '4', '--exactly', ...ids];
    lines = (await runNode(args, {}, 280_000)).stdout.split('\n');
  }, 300_000);

  it.each(ids)('frees the socket and harms nobody: %s', (id) => {
    expect(lines.find((line) => line.startsWith(`${id}: `))).toMatch(/: free after \d+ ms$/);
  });
});
