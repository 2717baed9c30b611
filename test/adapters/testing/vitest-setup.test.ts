import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root, runNode } from '../../support/programs.js';
import { expectCases } from './cases.js';
import { fixtures, normalised, runIn, storedFailure } from './runner-projects.js';

/** What the project in test/fixtures/vitest-project looks like to the person who runs its tests. */
interface Run {
  readonly code: number | null;
  /** What it printed. */
  readonly text: string;
  readonly tests: readonly {
    readonly name: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
    readonly meta: { readonly connections?: readonly string[]; readonly inHooks?: readonly string[] };
  }[];
}

/** Runs the real vitest on it, with the setup file by its package name (so dist/ must be built: `npm test` does). */
async function runProject(files: readonly string[], args: readonly string[] = []): Promise<Run> {
  const directory = mkdtempSync(path.join(tmpdir(), 'vitest-project-'));
  try {
    const json = path.join(directory, 'results.json');
    const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
    const project = path.join(root, 'test/fixtures/vitest-project');
    // The tests wait more than they compute, so there may be more workers than processors.
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
    const command = [vitest, 'run', '--root', project, '--maxWorkers=5', ...reporters, ...args, ...files];
    const { code, stdout, stderr } = await runNode(command, { NO_COLOR: '1', CI: '1' }, 90_000);
    const text = stdout + stderr;
    const { testResults } = JSON.parse(readFileSync(json, 'utf8'));
    const tests = testResults.flatMap(({ name, assertionResults }: any) =>
      assertionResults.map((result: any) => ({
        ...result,
        name: `${path.basename(name, '.test.js')}: ${[...result.ancestorTitles, result.title].join(' > ')}`,
      })),
    );
    return { code, text, tests };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const LEAK = /^GuardError: This test left 1 leaked socket behind: its peer has gone, and nothing closed it\.\n/;

let run: Run;
beforeAll(async () => {
  run = await runProject([]);
}, 100_000);

function test(name: string): Run['tests'][number] {
  const found = run.tests.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no test "${name}" in:\n${run.text}`);
  return found;
}

describe('a setup file that fails the test in which a socket leaked', () => {
  it('makes vitest exit with an error, and without a warning', () => {
    expect(run.code).toBe(1);
    expect(run.text).not.toMatch(/deprecat|CloseWaitGuardWarning/i);
  });

  it('fails that test, and neither the one before nor the one after', () => {
    expect(test('leaky: before: is healthy')).toMatchObject({ status: 'passed' });
    expect(test('leaky: the upload whose client leaves')).toMatchObject({ status: 'failed' });
    expect(test('leaky: after: is still healthy')).toMatchObject({ status: 'passed' });
  });

  it('leaves every test of the fixed handler green', () => {
    const fixed = run.tests.filter(({ name }) => name.startsWith('fixed: '));
    expect(fixed.map(({ status }) => status)).toEqual(['passed', 'passed']);
  });

  it('agrees with the kernel, which the uploads asked at their end', () => {
    const uploads = run.tests.filter(({ name }) => /^(leaky|fixed): the upload/.test(name));
    expect(uploads).toHaveLength(2);
    for (const { name, status, meta } of uploads) {
      expect.soft(meta.connections?.includes('CLOSE_WAIT'), name).toBe(status === 'failed');
    }
  });

  it('has closed what it names before the hooks run that close the server', () => {
    expect(test('leaky: the upload whose client leaves').meta.inHooks).not.toContain('CLOSE_WAIT');
  });

  it('says what happened, where, why, and what to change', () => {
    const { failureMessages } = test('leaky: the upload whose client leaves');
    expect(failureMessages).toHaveLength(1);
    const [heading, blank, subject, explanation, fix, ...rest] = failureMessages[0]!.split('\n');
    expect(heading).toBe(
      'GuardError: This test left 1 leaked socket behind: its peer has gone, and nothing closed it.',
    );
    expect(blank).toBe('');
    expect(subject).toMatch(/^ {2}1\. POST \/items\/:id \(http:\d+\): inbound, close-wait, request-body-not-read$/);
    expect(explanation).toMatch(
      /^ {5}POST \/items\/:id \(http:\d+\) has neither read its request body \(0 of 160,000 bytes taken\) nor answered/,
    );
    expect(fix).toMatch(
      /^ {5}Fix: Answer on every path.*: reply\.code\(503\)\.header\('connection', 'close'\)\.send\(\) \(after hijack\(\): reply\.raw\.destroy\(\)\) when/,
    );
    expect(rest, 'frames of the setup file or of vitest').toEqual([]);
  });

  it('prints that under the name of the test', async () => {
    const project = path.join(fixtures, 'vitest-project');
    const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
    const { stderr } = await runIn(project, [vitest, 'run', 'tests/leaky']);
    expect(normalised(stderr)).toBe(storedFailure('vitest-project'));
  });

  it('does so in the cases that every runner is tried with', () => {
    const cases = run.tests.filter(({ name }) => name.startsWith('cases: '));
    expectCases(
      cases.map(({ name, status, failureMessages }) => ({
        name: name.slice('cases: '.length),
        status,
        messages: failureMessages,
      })),
    );
  });

  it('fails the file, and no other test, for what a test leaks after its end', () => {
    const late = run.tests.filter(({ name }) => name.startsWith('late: '));
    expect(late.map(({ status }) => status)).toEqual(['passed', 'passed']);
    expect(run.text).toContain('What was started in "goes on after its end" left 1 leaked socket behind');
    expect(run.text).toContain('the hooks after it ran');
  });
});

describe('a leak is charged once', () => {
  it('when the server stays open and the leaks with it, and one that no test made not at all', () => {
    expect(test('shared-server: leaks once').failureMessages).toEqual([expect.stringMatching(LEAK)]);
    expect(test('shared-server: is innocent')).toMatchObject({ status: 'passed' });
    expect(test('shared-server: leaks twice').failureMessages).toEqual([
      expect.stringMatching(/^GuardError: This test left 2 leaked sockets behind: their peers have gone/),
    ]);
    expect(test('shared-server: is innocent at the end')).toMatchObject({ status: 'passed' });
  });

  it('to the one that made it, of tests that ran side by side', () => {
    const group = run.tests.filter(({ name }) => name.startsWith('shared-server: side by side > '));
    expect(group.map(({ name, status }) => [name.split(' > ')[1], status])).toEqual([
      ['one', 'passed'],
      ['two', 'failed'],
      ['three', 'passed'],
    ]);
    expect(test('shared-server: side by side > two').failureMessages).toEqual([expect.stringMatching(LEAK)]);
  });

  it('also when the test has asserted that there is none', () => {
    expect(test('rules: a leak found by assertNoLeakedSockets()').failureMessages).toEqual([
      expect.stringMatching(/^GuardError: 1 leaked socket: [^]*rules\.test\.js/),
    ]);
  });
});

describe('the outcome of a test', () => {
  it('has its own failure first, and the leak after it', () => {
    expect(test('rules: a failure of its own comes first').failureMessages).toEqual([
      expect.stringMatching(/^AssertionError: expected 'its own' to be 'something else'/),
      expect.stringMatching(LEAK),
    ]);
  });

  it('has the leak before what its hooks throw', () => {
    const messages = (name: string): readonly string[] =>
      test(`rules: with a hook that fails > ${name}`).failureMessages;
    expect(messages('a leak comes before it')).toEqual([
      expect.stringMatching(LEAK),
      expect.stringMatching(/^Error: the hook/),
    ]);
    expect(messages('a failure of its own comes before both')).toEqual([
      expect.stringMatching(/^Error: its own/),
      expect.stringMatching(LEAK),
      expect.stringMatching(/^Error: the hook/),
    ]);
  });

  it.each([
    ['a leak in the first try only', 'passed', 'a retry that does not leak'],
    ['a leak in a test that is to fail', 'passed', 'it.fails()'],
    ['a leak, and then skipped', 'skipped', 'a skipped test is no failure'],
    ['a leak under fake timers', 'failed', 'real sockets keep real time'],
    ['in a suite of its own > a leak', 'failed', 'suites inside a file'],
    ['in a suite of its own > hooks ran after it', 'passed', 'hooks run although the test failed, and after the look'],
    ['a leak of a server the test closes itself', 'passed', 'the limit: nothing is left to see'],
  ])('%s: %s (%s)', (name, status) => {
    expect(test(`rules: ${name}`)).toMatchObject({ status });
  });
});

describe('configureLeakCheck() and allowLeaks()', () => {
  it('closing what one test may leak leaves the next one’s leaks to be found', () => {
    expect(test('allowed: may leak')).toMatchObject({ status: 'passed' });
    expect(test('allowed: may not, right after it').failureMessages).toEqual([expect.stringMatching(LEAK)]);
  });

  it.each([
    ['ignores for all tests of the file', 'passed'],
    ['looks for as long as it was told, and keeps what was not given again', 'failed'],
    ['refuses allowLeaks() while no test runs', 'passed'],
    ['refuses what it does not know', 'passed'],
  ])('%s: %s', (name, status) => {
    expect(test(`configured: ${name}`)).toMatchObject({ status });
  });

  it('the deadline is that of the look', () => {
    const { failureMessages } = test(
      'configured: looks for as long as it was told, and keeps what was not given again',
    );
    expect(failureMessages).toEqual([expect.stringMatching(/the client left \d+ ms ago/)]);
  });
});

describe('expect(server).toHaveNoLeakedSockets()', () => {
  it.each([
    [
      'fails for a leak',
      [/^Error: expected the server to have no leaked sockets, and it has 1 leaked socket: [^]*\n {5}Fix: /],
    ],
    ['passes for a leak with .not', []],
    ['passes without a leak', []],
    ['fails without a leak with .not', [/^Error: expected the server to have leaked sockets, and it has none\n/]],
    [
      'fails for what is no server',
      [/^GuardError: close-wait-guard: option server is \[Object\]; it takes a net, tls/],
    ],
    ['passes for another server than the one that leaks', []],
  ])('%s', (name, messages) => {
    expect(test(`matcher: ${name}`).failureMessages).toEqual(messages.map((message) => expect.stringMatching(message)));
  });
});

describe('expect(app).toSurviveHangUps()', () => {
  it.each([
    [
      'fails for an application that a client can make leak',
      [
        /^Error: expected the application to survive clients that hang up\n\nroute +request\n[^]*POST \/items\/:id +LEAK\n[^]*LEAK POST \/items\/:id: request-body-not-read [^]*\n {5}fix: Answer on every path/,
      ],
    ],
    ['passes for an application that a client can make leak with .not', []],
    ['passes for an application that survives', []],
    [
      'fails for an application that survives with .not',
      [/^Error: expected the application not to survive clients that hang up, and it does\n/],
    ],
    [
      'fails for what is no Fastify instance',
      [/^GuardError: close-wait-guard: .*auditRoutes\(\).* is \[Server\]; it takes/],
    ],
  ])('%s', (name, messages) => {
    expect(test(`matcher: ${name}`).failureMessages).toEqual(messages.map((message) => expect.stringMatching(message)));
  });
});

describe('other ways to run tests', () => {
  it.each([
    ['one worker thread for all files', '--pool=threads', '--no-isolate', '--no-file-parallelism'],
    ['a VM context for each, hooks in the order of their definition', '--pool=vmForks', '--sequence.hooks=list'],
  ])('%s', async (_name, ...args) => {
    const { tests } = await runProject(['tests/leaky', 'tests/fixed'], args);
    const failed = tests.filter(({ status }) => status === 'failed');
    expect(failed.map(({ name }) => name)).toEqual(['leaky: the upload whose client leaves']);
    expect(failed[0]!.failureMessages).toEqual([expect.stringMatching(LEAK)]);
    expect(tests.filter(({ status }) => status === 'passed')).toHaveLength(4);
  });
});
