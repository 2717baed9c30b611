import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../support/programs.js';
import { fixtures, normalised, runIn, storedFailure } from './runner-projects.js';

const mocha = path.join(root, 'node_modules/mocha/bin/mocha.js');

describe('mocha, with assertNoLeakedSockets()', () => {
  it('is red where a socket leaked, and prints what leaked, why and what to change', async () => {
    const { code, stdout } = await runIn(path.join(fixtures, 'mocha-project'), [mocha, 'leaky.spec.cjs']);
    expect(code).toBe(2);
    expect(normalised(stdout)).toBe(storedFailure('mocha-project'));
  }, 60_000);
});
