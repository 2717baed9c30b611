import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonOf, root, runNode } from '../../support/programs.js';

describe("a leaked HTTP/2 session, whose socket has no error listener but http2's own", () => {
  it('is ended as its owner would end it: the process lives, and the kernel has no socket of it left', async () => {
    const outcome = await runNode([path.join(root, 'test/scenarios/reclaim/programs/http2-session.mjs')]);
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(jsonOf(outcome)).toEqual({ leak: 'close-wait outbound', reclaimed: 1, sessionClosed: true, rows: 0 });
  });
});
