import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf, play, snippets } from '../../proof/runners/play.mjs';
import { rows } from '../../proof/runners/rows.mjs';
import { root } from '../../support/programs.js';

/**
 * What docs/testing.md says to write, run for real on a default Fastify application whose hooks close it: the leak is said
 * first, only the test that leaks is red, and the run ends by itself. All versions: `npm run proof -- runners`.
 */
const SAMPLE = [
  'vitest 4',
  'vitest 4, known leaks',
  'jest 30, CommonJS',
  'node:test of Node 20',
  'mocha 11',
  'tap 21',
  'Playwright Test 1',
];
const sample = rows.filter(({ runner }) => SAMPLE.includes(runner));

it('there is a row for each snippet', () => {
  expect(sample).toHaveLength(SAMPLE.length);
  expect(Object.keys(snippets())).toEqual([
    'vitest',
    'jest',
    'node:test',
    'mocha',
    'tap',
    'Playwright Test',
    'Known leaks',
  ]);
});

it('README.md has one of them', () => {
  expect(readFileSync(path.join(root, 'README.md'), 'utf8')).toContain(snippets().vitest?.code);
});

describe('on a default Fastify application', () => {
  it.for(sample.map((row) => [row.runner, row] as const))(
    '%s is red where a socket leaked, says so first, and ends',
    { timeout: 130_000 },
    async ([, { node: _line, ...row }], context) => {
      // On the Node that runs this.
      const played = await play(row).catch((error: unknown) => {
        const { message } = error as Error;
        context.skip(message.startsWith('npm could not install'), message);
        throw error;
      });
      expect(faultsOf(row, played), played.printed).toEqual([]);
      expect(played.printed.match(/1 leaked socket/g)?.length).toBeGreaterThan(0);
      expect(played.printed.replace(/\s+/g, ' ')).toMatch(
        /1\. POST \/items\/:id \(http:\d+\): inbound, close-wait, request-body-not-read POST \/items\/:id \(http:\d+\) has neither read its request body \(0 of 160,000 bytes taken\) nor answered; the client left [\d.]+ m?s ago, and no time-out of Node ends it\. Fix: Answer on every path/,
      );
    },
  );
});
