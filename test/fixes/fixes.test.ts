import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runNode } from '../support/programs.js';

const RUNNER = path.join(root, 'test/fixes/run.mjs');
/** Set by `npm run proof`: also the APIs whose packages are fetched for it. */
const all = process.env.CLOSE_WAIT_GUARD_ALL_APIS === undefined ? [] : ['--all'];
const list = await runNode([RUNNER, '--list', ...all], {}, 300_000);
const listed = JSON.parse(list.stdout) as string[];
/** Of the corpus; `npm run proof` tries them all. */
const HANDFUL = [
  'corpus/clients/proxy-goes-on-without-its-client',
  'corpus/elsewhere/child-process-still-has-it',
  'corpus/elsewhere/worker-thread-without-the-guard',
  'corpus/net/takes-the-handle-and-loses-it',
  'corpus/secure/http2-upload-into-a-full-window',
];
const ids = listed.filter((id) => !id.startsWith('corpus/') || HANDFUL.includes(id));

describe.concurrent('the fix of a report, typed into the program that leaks,', () => {
  it.each(ids)('frees the socket and harms nobody: %s', { timeout: 90_000 }, async (id) => {
    const args = [RUNNER, '--register', path.join(root, 'dist/register.js'), ...all, '--exactly', id];
    const { stdout, stderr } = await runNode(args, {}, 80_000);
    expect(stdout + stderr).toMatch(
      new RegExp(`^${id}: (free after \\d+ ms|names it)\n1 of 1 fixes work as written\n$`),
    );
  });
});
