import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root, type Outcome } from '../../support/programs.js';
import { expectCases, type TestResult } from './cases.js';
import { fixtures, nodeOrSkip, normalised, projectWith, runIn, storedFailure } from './runner-projects.js';

const project = path.join(fixtures, 'jest-project');
const jest = path.join(root, 'node_modules/jest/bin/jest.js');

interface JestResult extends TestResult {
  readonly file: string;
}

interface Run extends Outcome {
  readonly tests: readonly JestResult[];
}

const ofFile = ({ tests }: Run, file: string): readonly JestResult[] => tests.filter((test) => test.file === file);

/** An ordinary run, without flags. */
async function run(args: readonly string[], { node, env, cwd = project, bin = jest }: Where = {}): Promise<Run> {
  const directory = mkdtempSync(path.join(tmpdir(), 'jest-project-'));
  try {
    const json = path.join(directory, 'results.json');
    const outcome = await runIn(cwd, [bin, '--json', `--outputFile=${json}`, '--no-cache', ...args], env, node);
    const { testResults } = JSON.parse(readFileSync(json, 'utf8'));
    const tests = testResults.flatMap(({ name: file, assertionResults }: any) =>
      assertionResults.map(({ ancestorTitles, title, status, failureMessages }: any) => ({
        file: path.basename(file, '.test.cjs'),
        name: [...ancestorTitles, title].join(' > '),
        status,
        messages: failureMessages,
      })),
    );
    return { ...outcome, tests };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Where {
  readonly node?: string | undefined;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly bin?: string;
}

// All of it waits for deadlines more than it computes, so it runs side by side.
describe.concurrent('jest in a CommonJS project without flags', () => {
  it('on Node 26 is red where a socket leaked, and nowhere else', async (context) => {
    const node = await nodeOrSkip(context, '26');
    const { tests, stderr } = await run(['tests/cases'], { node });
    expectCases(tests);
    expect(stderr).not.toMatch(/warning/i);
  }, 120_000);

  it('29 is as well', async (context) => {
    const there = await projectWith('jest@29', 'jest-project');
    if ('reason' in there) {
      context.skip(true, there.reason);
      return;
    }
    try {
      const bin = path.join(there.runner, 'node_modules/jest/bin/jest.js');
      const { tests } = await run(['tests/cases'], { cwd: there.folder, bin });
      // It starts concurrent tests before the beforeAll hooks of their describe block: there is no shared server yet.
      expectCases(tests, 'shared server > the guilty');
    } finally {
      there.remove();
    }
  }, 300_000);

  it('works in a project of ES modules', async () => {
    const env = { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' };
    const { tests } = await run(['--config', 'jest.esm.config.cjs'], { env });
    expect(tests.map(({ name, status }) => [name, status])).toEqual([
      ['leaks', 'failed'],
      ['leaks on purpose', 'passed'],
      ['is healthy', 'passed'],
    ]);
  }, 60_000);
});

describe('jest', () => {
  let all: Run;
  beforeAll(async () => {
    all = await run(['--verbose']);
  }, 120_000);

  it('is red where a socket leaked, and nowhere else', () => {
    expectCases(ofFile(all, 'cases'));
    expect(all.stderr).not.toMatch(/warning/i);
    expect(all.code).toBe(1);
  });

  it('prints what leaked, why and what to change', () => {
    const [printed] = /^FAIL tests\/leaky[^]*?(?=^(?:FAIL|PASS|Test Suites:) )/m.exec(normalised(all.stderr)) ?? [];
    expect(printed?.trim()).toBe(storedFailure('jest-project'));
  });

  it('has its own failure first, and the leak after it', () => {
    const named = Object.fromEntries(ofFile(all, 'rules').map(({ name, ...rest }) => [name, rest]));
    expect(named['its own failure first']?.messages).toEqual([
      expect.stringMatching(/^Error: its own failure/),
      expect.stringMatching(/^GuardError: This test left 1 leaked socket behind/),
    ]);
    expect(named['side by side > its own failure first']?.messages).toEqual([
      expect.stringMatching(/^Error: its own failure/),
      expect.stringMatching(/^GuardError: This test left 1 leaked socket behind/),
    ]);
    expect(named['found by assertNoLeakedSockets()']?.messages).toEqual([
      expect.stringMatching(/^GuardError: 1 leaked socket: [^]*rules\.test\.cjs/),
    ]);
    expect(named['fails for a leak']?.messages).toEqual([
      expect.stringMatching(/expected the server to have no leaked sockets, and it has 1 leaked socket: [^]*Fix: /),
    ]);
    expect(named['does not survive hang-ups']?.messages).toEqual([
      expect.stringMatching(/expected the application to survive clients that hang up\n\n[^]*LEAK POST \/items\/:id/),
    ]);
    const passed = [
      'passes for a leak with .not',
      'passes without a leak',
      'has what close-wait-guard/testing has',
      'refuses what it does not know',
    ];
    expect(passed.map((name) => named[name]?.status)).toEqual(passed.map(() => 'passed'));
  });

  it('fails the file for what a test leaks after its end', () => {
    expect(ofFile(all, 'late').map(({ status }) => status)).toEqual(['passed', 'passed']);
    expect(all.stderr).toContain('What was started in "goes on after its end" left 1 leaked socket behind');
  });
});
