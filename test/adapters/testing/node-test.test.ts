import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonOf, type Outcome } from '../../support/programs.js';
import { expectCases, type TestResult } from './cases.js';
import { fixtures, nodeOrSkip, normalised, runIn, storedFailure } from './runner-projects.js';

const project = path.join(fixtures, 'node-test-project');
const PRELOAD = ['--import', 'close-wait-guard/node-test'];

async function run(file: string, args: readonly string[], node?: string): Promise<Outcome> {
  return runIn(project, ['--test', ...args, file], {}, node);
}

async function resultsOf(file: string, args: readonly string[] = [], node?: string): Promise<readonly TestResult[]> {
  return jsonOf(await run(file, ['--test-reporter=./results.mjs', ...args], node));
}

// All of it waits for deadlines more than it computes, so it runs side by side.
describe.concurrent.each(['20', '22', '24', '26'])('node:test of Node %s', (line) => {
  it('is red where a socket leaked, and nowhere else', async (context) => {
    const node = await nodeOrSkip(context, line);
    expectCases(await resultsOf('cases.test.mjs', [], node));
  }, 120_000);
});

describe.concurrent('node:test', () => {
  it.for(['20', '26'])(
    'of Node %s prints what leaked, why and what to change',
    { timeout: 120_000 },
    async (line, context) => {
      const node = await nodeOrSkip(context, line);
      const { code, stdout } = await run('leaky.test.mjs', [...PRELOAD, '--test-reporter=spec'], node);
      expect(code).toBe(1);
      // Node 20 names an error's class twice.
      const printed = normalised(stdout).replaceAll('Error [GuardError]', 'GuardError');
      expect(printed.slice(printed.indexOf('✖ failing tests:'))).toBe(storedFailure('node-test-project'));
    },
  );

  // Before Node 24 there is no channel that tells of a test.
  it.for(['20', '24'])(
    'of Node %s: subtests, callbacks, hooks of a test, and what a test leaks after its end',
    { timeout: 60_000 },
    async (line, context) => {
      const tests = await resultsOf('shapes.test.mjs', PRELOAD, await nodeOrSkip(context, line));
      // It has the name of the file whose hook it is.
      const atTheEnd = tests.find(({ name }) => name.endsWith('node-test.js'));
      expect(Object.fromEntries(tests.map(({ name, status }) => [name, status]))).toMatchObject({
        'subtests > leaks': 'failed',
        'subtests > is healthy': 'passed',
        'callback: leaks': 'failed',
        'callback: is healthy': 'passed',
        'closes its server in t.after()': 'failed',
        'skips itself': 'passed',
        'goes on after its end': 'passed',
        'waits for what that leaves': 'passed',
      });
      expect(atTheEnd).toMatchObject({
        status: 'failed',
        messages: [expect.stringContaining('What was started in "goes on after its end" left 1 leaked socket behind')],
      });
    },
  );

  it('a file without --test, which imports it by itself', async () => {
    expectCases(jsonOf(await runIn(project, ['--test-reporter=./results.mjs', 'cases.test.mjs'])));
  }, 60_000);

  it('the process that only starts others ends by itself, and says nothing', async () => {
    const outcome = await runIn(project, ['--test', ...PRELOAD, 'healthy.test.mjs']);
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(outcome.stdout).not.toMatch(/leak/i);
  });
});
