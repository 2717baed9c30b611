import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonOf, root, runNode } from '../../support/programs.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

describe('a process in which nobody listens for errors', () => {
  it('survives the reclaim of its sockets, says nothing of it, and ends by itself', async () => {
    const program = path.join(root, 'test/scenarios/reclaim/programs/no-listeners.mjs');
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(root, 'test/fixtures/tls', name));
    const outcome = await runNode([program, key!, cert!, String(UPLOAD_BYTES)]);
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(jsonOf(outcome)).toEqual({
      reclaimed: [
        'inbound never-read',
        'inbound never-read',
        'inbound paused',
        'inbound paused',
        'inbound paused',
        'inbound request-body-not-read',
        'outbound response-body-not-read',
        'outbound response-body-not-read',
      ],
      kept: 5,
    });
  });
});
