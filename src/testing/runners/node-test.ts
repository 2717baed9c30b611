/**
 * For node:test, on Node 20.19 and later: `node --test --import close-wait-guard/node-test`, or imported by a test file. What
 * it does at the end of a test is described in runner.ts.
 *
 * It checks before `t.after()` too. A `timeout` of the test covers the check. As node:test has room for one error of a test,
 * the leak of one that has failed by itself is a diagnostic message of that test. A leak made by any hook, or by a test with
 * `todo` or that skips itself, is charged to nobody.
 *
 * In the process that only starts others (`node --test` itself) importing it does nothing.
 */
import { AsyncResource } from 'node:async_hooks';
import * as nodeTest from 'node:test';
import { TEST_STARTS, TestFunctions } from './node-test-tree.js';
import { Runner } from './runner.js';

export type { AllowedLeaks, LeakCheckOptions } from './runner.js';

// Where no test runs it is not opened until it is used: there is nothing to check, and a setting is validated all the same.
const runner = new Runner<object>();
export const { allowLeaks, configureLeakCheck } = runner;

const { after, afterEach, beforeEach } = nodeTest;

if (!onlyStartsOthers()) {
  runner.open();
  const functions = new TestFunctions(around);
  // Since Node 24: what a test does is the test's, whatever becomes of its function.
  const { getTestContext } = nodeTest as { getTestContext?: () => object | undefined };
  if (getTestContext) runner.bind(TEST_STARTS, getTestContext);
  const atTheEnd = AsyncResource.bind(() => {
    after(() => {
      runner.end();
    });
  });
  let isFirst = true;
  beforeEach((context) => {
    // A hook that throws keeps those after it from running, so this comes after the file's own, which close its servers.
    if (isFirst) atTheEnd();
    isFirst = false;
    const { name, fullName } = context as { readonly name: string; readonly fullName?: string };
    runner.begin(context, fullName ?? name);
    functions.takeKnown();
  });
  // Finds something only where the test function could not be wrapped, or did not end.
  afterEach(async (context) => {
    const leaks = await runner.check(context);
    if (leaks) throw leaks;
  });
}

type Body = Parameters<ConstructorParameters<typeof TestFunctions>[0]>[0];
type Done = (failure?: unknown) => void;

function around(body: Body): Body {
  return function (context, ...rest) {
    const test = context as nodeTest.TestContext;
    // A suite's function, and that of a test without hooks.
    if (!runner.has(test)) return Reflect.apply(body, this, [test, ...rest]);
    const diagnose = (failure: unknown, leaks: Error): unknown => {
      test.diagnostic(leaks.message);
      return failure;
    };
    const [done] = rest as [Done | undefined];
    if (typeof done !== 'function') {
      return runner.runAndCheck(test, () => Reflect.apply(body, this, [test]), diagnose);
    }
    const ended: Done = (failure) => {
      runner
        .check(test, failure === undefined ? [] : [failure])
        .then((leaks) => done(failure && leaks ? diagnose(failure, leaks) : (failure ?? leaks)), done);
    };
    return runner.run(test, () => Reflect.apply(body, this, [test, ended]));
  };
}

/** `node --test` runs each file in a process of its own, which it tells so in NODE_TEST_CONTEXT, unless isolation is off. */
function onlyStartsOthers(): boolean {
  const { execArgv, env } = process;
  const isolated = !execArgv.some((argument) => /^--(experimental-)?test-isolation=none$/.test(argument));
  return execArgv.includes('--test') && env.NODE_TEST_CONTEXT === undefined && isolated;
}
