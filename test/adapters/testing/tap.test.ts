import { describe, expect, it } from 'vitest';
import { normalised, projectWith, runIn, storedFailure } from './runner-projects.js';

describe('tap, with assertNoLeakedSockets()', () => {
  it('is red where a socket leaked, and prints what leaked, why and what to change', async (context) => {
    const there = await projectWith('tap@21', 'tap-project');
    if ('reason' in there) {
      context.skip(true, there.reason);
      return;
    }
    try {
      const { code, stdout } = await runIn(there.folder, ['leaky.test.cjs']);
      expect(code).toBe(1);
      expect(normalised(stdout)).toBe(storedFailure('tap-project'));
    } finally {
      there.remove();
    }
  }, 300_000);
});
