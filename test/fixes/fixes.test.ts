import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runNode } from '../support/programs.js';

const RUNNER = path.join(root, 'test/fixes/run.mjs');
const list = await runNode([RUNNER, '--list'], {}, 60_000);
const listed = JSON.parse(list.stdout) as string[];
/** Of the corpus. `npm run proof` tries them all, and the APIs whose packages have to be fetched. */
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
    const args = [RUNNER, '--register', path.join(root, 'dist/register.js'), '--exactly', id];
    const { stdout, stderr } = await runNode(args, {}, 80_000);
    expect(stdout + stderr).toMatch(
      new RegExp(`^${id}: (free after \\d+ ms|names it)\n1 of 1 fixes work as written\n$`),
    );
  });
});
