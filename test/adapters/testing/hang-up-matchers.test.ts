import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../support/programs.js';
import { fixtures, runIn } from './runner-projects.js';

const project = path.join(fixtures, 'hang-up-project');
const bin = (file: string): string => path.join(root, 'node_modules', file);

/** Each test's failure, or undefined. */
async function run(command: (json: string) => readonly string[]): Promise<Record<string, string | undefined>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hang-up-project-'));
  try {
    const json = path.join(folder, 'results.json');
    await runIn(project, command(json));
    const { testResults } = JSON.parse(readFileSync(json, 'utf8'));
    return Object.fromEntries(
      testResults.flatMap(({ assertionResults }: any) =>
        assertionResults.map(({ title, failureMessages }: any) => [title, failureMessages[0]]),
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.each([
  [
    'vitest',
    (json: string) => [bin('vitest/vitest.mjs'), 'run', '--root', '.', '--reporter=json', `--outputFile=${json}`],
  ],
  ['jest', (json: string) => [bin('jest/bin/jest.js'), '--json', `--outputFile=${json}`, '--no-cache']],
] as const)('in %s', (_runner, command) => {
  it(
    'expect(hangUp(…)).toBeClosed() says the leak first, and passes for nothing that tested nothing',
    { timeout: 60_000 },
    async () => {
      const failures = await run((json) => [...command(json), 'tests/closed']);
      const nothing = (why: string): unknown => expect.stringContaining(why);
      expect(failures).toEqual({
        'fails for a leak': expect.stringMatching(
          /^Error: POST \/items\/:id \(http:\d+\) has neither read its request body .*\n {2}Fix: Answer on every path.*\n {2}expected the server to close its end of the connection, and it is leaked: close-wait, request-body-not-read/,
        ),
        'passes for a leak with .not': undefined,
        'passes for a server that closes': undefined,
        'takes a result as well': undefined,
        'fails for a server that closes with .not': nothing('not to close its end of the connection, and it has'),
        'fails where the moment did not come': nothing('the moment to hang up did not come (it was answered 200)'),
        'fails where the moment did not come with .not': nothing('the moment to hang up did not come'),
        'fails where no handler ran': nothing('404: no route POST /itms/7'),
        'fails where no handler ran with .not': nothing('404: no route POST /itms/7'),
        'fails for what is no result': nothing('what toBeClosed() is given is'),
        'fails for what is no result with .not': nothing('what toBeClosed() is given is'),
      });
    },
  );

  it('expect(app).toSurviveHangUps() names ten routes that leak in one failure', { timeout: 60_000 }, async () => {
    // It fits the runners' 5 s where the machine has nothing else to do; here it has.
    const { survives } = await run((json) => [...command(json), '--testTimeout=30000', 'tests/ten']);
    expect(survives).toMatch(/^Error: expected the application to survive clients that hang up\n\nroute +connect/);
    expect(survives).toMatch(/10 routes leak: 10 routes/);
    expect(survives).not.toMatch(/timed out/i);
  });
});
