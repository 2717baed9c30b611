import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectCases } from './cases.js';
import { nodeOrSkip, projectWith, runIn } from './runner-projects.js';

/** vitest 5 needs Node 22. In each the package is in node_modules, as npm puts it there. */
// They wait for deadlines more than they compute, so they run side by side.
describe.concurrent.each([
  ['vitest@3.2', '20'],
  ['vitest@4.0', '20'],
  ['vitest@5', '24'],
])('%s on Node %s', (spec, line) => {
  it('is red where a socket leaked, and nowhere else', async (context) => {
    const node = await nodeOrSkip(context, line);
    const there = await projectWith(spec, 'vitest-project');
    if ('reason' in there) {
      context.skip(true, there.reason);
      return;
    }
    try {
      const json = path.join(there.folder, 'results.json');
      const vitest = path.join(there.runner, 'node_modules/vitest/vitest.mjs');
      const args = [vitest, 'run', 'tests/cases', '--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
      const { stdout, stderr } = await runIn(there.folder, args, {}, node);
      expect(stdout + stderr).not.toMatch(/deprecat|CloseWaitGuardWarning/i);
      const { testResults } = JSON.parse(readFileSync(json, 'utf8'));
      expectCases(
        testResults[0].assertionResults.map(({ ancestorTitles, title, status, failureMessages }: any) => ({
          name: [...ancestorTitles, title].join(' > '),
          status,
          messages: failureMessages,
        })),
      );
    } finally {
      there.remove();
    }
  }, 300_000);
});
