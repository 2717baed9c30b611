/**
 * Setup file for vitest 3.2 and later: `setupFiles: ['close-wait-guard/vitest']`. What it does at the end of a test is
 * described in runner.ts.
 *
 * A leak made by a test that is skipped while it runs is charged to nobody. With `sequence.hooks: 'parallel'` hooks that close
 * the server run beside the check, and may hide a leak from it.
 *
 * It adds matchers, {@link LeakMatchers}; TypeScript knows of them where this file is imported, or named in `types`.
 * A leak a matcher has found is accounted for: the test is not failed for it a second time.
 */
import * as vitest from 'vitest';
import { GuardError } from '../../base/errors.js';
import { createMatchers, type LeakMatchers } from './matchers.js';
import { Runner } from './runner.js';

export type { LeakMatchers } from './matchers.js';
export type { AllowedLeaks, LeakCheckOptions } from './runner.js';

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
const hooked = new WeakSet<object>();
const runner = new Runner<Task>().open();
export const { allowLeaks, configureLeakCheck } = runner;

vitest.afterAll(endOfFile);
let timesUntilEnd = 1;

vitest.expect.extend(createMatchers(runner));

const { aroundEach } = vitest as {
  aroundEach?: (hook: (runTest: () => Promise<void>, context: vitest.TestContext) => Promise<void>) => void;
};
if (aroundEach) {
  aroundEach(async (runTest, { task }) => {
    begin(task, await loadedInternals());
    await runner.run(task, runTest);
    runner.abandon(task);
  });
} else {
  // Before 4.1: the test function alone is entered, and not the beforeEach hooks of the file.
  vitest.beforeEach(async ({ task }) => {
    const loaded = await loadedInternals();
    begin(task, loaded);
    const body = loaded.getFn?.(task);
    if (!body || !loaded.setFn) return;
    loaded.setFn(task, () => runner.run(task, body));
  });
}

function begin(task: Task, { getHooks }: Internals): void {
  runner.begin(task, nameOf(task));
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
    afterEach.unshift(checkAtTestEnd);
    afterEach.push(checkAtTestEnd);
  }
}

async function checkAtTestEnd({ task, onTestFinished }: vitest.TestContext): Promise<void> {
  const leaks = await runner.check(task, task.result?.errors);
  if (!leaks) return;
  const ownFailures = task.result?.errors?.length ?? 0;
  let ofHooks: NonNullable<NonNullable<Task['result']>['errors']> = [];
  // Of these the last one is called first.
  onTestFinished(() => {
    task.result?.errors?.push(...ofHooks);
  });
  // Thrown here it would keep the test's own afterEach hooks from running; there it is added to the test's errors, which by then
  // may have those of the hooks. They are put behind it.
  onTestFinished(() => {
    ofHooks = task.result?.errors?.splice(ownFailures) ?? [];
    throw leaks;
  });
}

/** What it throws would keep the hooks after it from running, so it is the first and the last in the list, and the last acts. */
function endOfFile(): void {
  if (--timesUntilEnd === 0) runner.end();
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
