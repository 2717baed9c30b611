/**
 * Setup file for vitest 3.2 and later: `setupFiles: ['close-wait-guard/vitest']`. A test that leaves a leaked socket
 * behind fails, and so does only that test: a leak is charged once.
 *
 * It looks when the test function has ended, whatever its outcome, and before any `afterEach` hook: closing the server
 * there destroys the evidence. For the same reason it cannot see a leak of a server that the test function itself closes.
 * A half-closed socket gets two seconds to be closed, so a test that leaks takes that much longer.
 *
 * What was half-closed before a test began is not charged to it. Of tests that run concurrently, the one that made the leak
 * is charged: it opened the connection or sent the last request over it, or else started the server that accepted it. Where
 * neither is known (a client in another process and a server of the file) it is the first one that ends while the leak is
 * there. What a test leaks after its end fails the file, and names the test. A leak made by a hook of the whole file, or by
 * a test that is skipped while it runs, is charged to nobody. With `sequence.hooks: 'parallel'` hooks that close the server
 * run beside the look, and may hide a leak from it.
 *
 * It adds matchers, {@link LeakMatchers}; TypeScript knows of them where this file is imported, or named in `types`.
 * A leak a matcher has found is accounted for: the test is not failed for it a second time.
 */
import * as vitest from 'vitest';
import { GuardError } from '../../base/errors.js';
import type { AllowedLeaks, LeakCheckOptions } from '../check/options.js';
import { LeakSession, type TestRun } from '../check/session.js';
import { createMatchers, type LeakMatchers } from './matchers.js';

export type { LeakMatchers } from './matchers.js';
export type { AllowedLeaks, LeakCheckOptions } from '../check/options.js';

// vitest adds matchers to chai's assertions, and types its own after them. Its `Matchers<T>` is `Matchers<R, T>` since
// version 5, and one declaration cannot merge with both.
declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Chai {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    interface Assertion extends LeakMatchers {}
  }
}

type Task = vitest.TestContext['task'];

/** Loaded with the first test, as a module that awaits cannot be required; kept, as {@link begin} runs for each test. */
let internals: Promise<Internals> | undefined;
const session = new LeakSession();
const runs = new WeakMap<Task, TestRun>();
const hooked = new WeakSet<object>();

vitest.afterAll(endOfFile);
let timesUntilEnd = 1;

vitest.expect.extend(createMatchers((leaks) => session.account(leaks)));

const { aroundEach } = vitest as {
  aroundEach?: (hook: (runTest: () => Promise<void>, context: vitest.TestContext) => Promise<void>) => void;
};
if (aroundEach) {
  aroundEach(async (runTest, { task }) => {
    const run = begin(task, await loadedInternals());
    await session.run(run, runTest);
    session.abandon(run);
  });
} else {
  // Before 4.1: the test function alone is entered, and not the beforeEach hooks of the file.
  vitest.beforeEach(async ({ task }) => {
    const loaded = await loadedInternals();
    const run = begin(task, loaded);
    const body = loaded.getFn?.(task);
    if (!body || !loaded.setFn) return;
    loaded.setFn(task, () => session.run(runs.get(task) ?? run, body));
  });
}

/**
 * Lets the calling test leak on purpose: everything, the leaks with these ids, or those the function says true for.
 * Call it in the test, or in a hook that runs for it alone.
 * @throws GuardError CWG_ERR_ARGUMENT, also while no test runs
 */
export function allowLeaks(which?: AllowedLeaks): void {
  session.allow(which);
}

/**
 * Sets how the end of each test is looked at, from now on to the end of this file; in a setup file, for every file. What is
 * not given stays as it is.
 * @throws GuardError CWG_ERR_OPTION
 */
export function configureLeakCheck(options: LeakCheckOptions): void {
  session.configure(options);
}

function begin(task: Task, { getHooks }: Internals): TestRun {
  const run = session.begin(nameOf(task));
  runs.set(task, run);
  const suite = task.suite ?? task.file;
  if (timesUntilEnd === 1) {
    timesUntilEnd = 2;
    getHooks(task.file).afterAll.push(endOfFile);
  }
  if (!hooked.has(suite)) {
    hooked.add(suite);
    // A setup file's own afterEach would run last. These are the first to run, in any order vitest runs hooks:
    // 'stack' starts at the end of the list, 'list' and 'parallel' at its beginning.
    const { afterEach } = getHooks(suite);
    afterEach.unshift(lookAtTestEnd);
    afterEach.push(lookAtTestEnd);
  }
  return run;
}

async function lookAtTestEnd({ task, onTestFinished }: vitest.TestContext): Promise<void> {
  const run = runs.get(task);
  if (run === undefined) return;
  runs.delete(task);
  const error = await session.look(run, task.result?.errors);
  // Thrown here it would keep the test's own afterEach hooks from running; there it is added to the test's errors.
  if (error) {
    onTestFinished(() => {
      throw error;
    });
  }
}

/** What it throws would keep the hooks after it from running, so it is the first and the last in the list, and the last acts. */
function endOfFile(): void {
  if (--timesUntilEnd > 0) return;
  session.close();
  const late = session.lateLeaks();
  if (late) throw late;
}

function nameOf(task: Task): string {
  const names = [task.name];
  for (let suite = task.suite; suite?.name; suite = suite.suite) names.unshift(suite.name);
  return names.join(' > ');
}

interface Internals {
  readonly getHooks: (suite: object) => {
    readonly afterEach: ((context: vitest.TestContext, suite: never) => unknown)[];
    readonly afterAll: (() => void)[];
  };
  readonly getFn?: (task: object) => (() => Promise<void>) | undefined;
  readonly setFn?: (task: object, body: () => Promise<void>) => void;
}

function loadedInternals(): Promise<Internals> {
  return (internals ??= loadInternals());
}

/** Part of `vitest/suite` up to 4.0, of TestRunner since; 4.1 prints a deprecation when the former is imported, 5 has none. */
async function loadInternals(): Promise<Internals> {
  const { TestRunner } = vitest as { TestRunner?: { getSuiteHooks?: unknown } };
  if (TestRunner?.getSuiteHooks) return { getHooks: TestRunner.getSuiteHooks as Internals['getHooks'] };
  // Not a literal: vite would try to resolve it where it does not exist.
  const suiteEntry = 'vitest/suite';
  try {
    const suite = (await import(suiteEntry)) as Partial<Internals>;
    if (suite.getHooks && (aroundEach ?? suite.setFn)) return suite as Internals;
  } catch (error) {
    throw tooOld(error);
  }
  throw tooOld();
}

function tooOld(cause?: unknown): GuardError {
  return new GuardError(
    'CWG_ERR_PEER_VERSION',
    'close-wait-guard/vitest: the vitest that runs this has no hooks of a suite to be found; it takes version 3.2 or later',
    { cause },
  );
}
