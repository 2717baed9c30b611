import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runIn } from '../adapters/testing/runner-projects.js';
import { root } from '../support/programs.js';
import { installed, nodeFor, SDKS } from './sdks.js';

const missing = installed();

/** The trace as a tree, as the demo prints it. */
const TREE = [
  /^trace [0-9a-f]{32}$/,
  /^ {2}internal "upload a photo" [0-9a-f]{16}, \d+ ms$/,
  /^ {4}client "POST" [0-9a-f]{16}, \d+ ms$/,
  /^ {6}server "POST" [0-9a-f]{16}, \d+ ms$/,
  /^ {8}event close_wait_guard\.leak, after \d+ ms: Leaked socket: POST \/items\/:id \(http:\d+\) has neither read its request body .* Fix: /,
  /^ {8}event close_wait_guard\.released, after \d+ ms: Leaked socket was closed: POST \/items\/:id /,
];

describe.each(SDKS)('npm run demo:otel with SDK $sdk', { timeout: 120_000 }, (sdk) => {
  it(`prints the leaked request's trace with the event inside it`, async (context) => {
    const node = await nodeFor(context, missing, sdk);
    const args = [path.join(root, 'examples/otel/main.mjs'), '--sdk', String(sdk.sdk)];
    const { code, stdout, stderr } = await runIn(root, args, {}, node);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(TREE.length);
    for (const [i, line] of TREE.entries()) expect(lines[i]).toMatch(line);
  });
});
