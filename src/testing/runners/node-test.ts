/**
 * For node:test, on Node 20.19 and later: `node --test --import close-wait-guard/node-test`, or imported by a test file. A
 * test that leaves a leaked socket behind fails, and so does only that test: a leak is charged once.
 *
 * It looks when the test function has ended, whatever its outcome, and before any `afterEach` hook or `t.after()`: closing
 * the server there destroys the evidence. For the same reason it cannot see a leak of a server that the test function
 * itself closes. A half-closed socket gets two seconds to be closed, so a test that leaks takes that much longer, and a
 * `timeout` of the test covers that too. A test that has failed by itself keeps its own error, as node:test has room for
 * one; the leak is then a diagnostic message of that test.
 *
 * What was half-closed before a test began is not charged to it. Of tests that run concurrently, the one that made the leak
 * is charged: it opened the connection or sent the last request over it, or else started the server that accepted it. Where
 * neither is known (a client in another process and a server of the file, or of a `beforeEach`) it is the first one that
 * ends while the leak is there. What a test leaks after its end fails the file, and names the test. A leak made by a hook,
 * or by a test with `todo` or that skips itself, is charged to nobody.
 *
 * In the process that only starts others (`node --test` itself) importing it does nothing.
 */
import { AsyncResource } from 'node:async_hooks';
import { after, afterEach, beforeEach, type TestContext } from 'node:test';
import type { AllowedLeaks, LeakCheckOptions } from '../check/options.js';
import { LeakSession, type TestRun } from '../check/session.js';
import { wrapTestFunctions } from './node-test-tree.js';

export type { AllowedLeaks, LeakCheckOptions } from '../check/options.js';

let opened: LeakSession | undefined;
const runs = new WeakMap<object, TestRun>();

if (!onlyStartsOthers()) {
  const session = (opened = new LeakSession());
  const sayAtTheEnd = AsyncResource.bind(() => {
    after(() => {
      session.close();
      const late = session.lateLeaks();
      if (late) throw late;
    });
  });
  let isFirst = true;
  beforeEach((context) => {
    // A hook that throws keeps those after it from running, so this comes after the file's own, which close its servers.
    if (isFirst) sayAtTheEnd();
    isFirst = false;
    const { name, fullName } = context as { readonly name: string; readonly fullName?: string };
    runs.set(context, session.begin(fullName ?? name));
    wrapTestFunctions((body) => around(session, body));
  });
  // Has its say only where the test function could not be wrapped, or did not end.
  afterEach(async (context) => {
    const error = await look(session, context);
    if (error) throw error;
  });
}

/**
 * Lets the calling test leak on purpose: everything, the leaks with these ids, or those the function says true for.
 * Call it in the test.
 * @throws GuardError CWG_ERR_ARGUMENT, also while no test runs
 */
export function allowLeaks(which?: AllowedLeaks): void {
  sessionHere().allow(which);
}

/**
 * Sets how the end of each test is looked at, from now on to the end of this file. What is not given stays as it is.
 * @throws GuardError CWG_ERR_OPTION
 */
export function configureLeakCheck(options: LeakCheckOptions): void {
  sessionHere().configure(options);
}

type Body = Parameters<Parameters<typeof wrapTestFunctions>[0]>[0];

function around(session: LeakSession, body: Body): Body {
  return function (context, ...rest) {
    const run = runs.get(context as object);
    // A suite's function, and that of a test without hooks.
    if (run === undefined) return Reflect.apply(body, this, [context, ...rest]);
    const [done] = rest;
    if (typeof done === 'function') return session.run(run, () => withCallback(this, done as Done));
    return session.run(run, async () => {
      try {
        await Reflect.apply(body, this, [context]);
      } catch (failure) {
        await diagnose(session, context as TestContext, failure);
        throw failure;
      }
      const error = await look(session, context as TestContext);
      if (error) throw error;
    });

    function withCallback(self: unknown, done: Done): unknown {
      const ended: Done = (failure) => {
        const looked = failure
          ? diagnose(session, context as TestContext, failure)
          : look(session, context as TestContext);
        looked.then((error) => done(failure ?? error), done);
      };
      return Reflect.apply(body, self, [context, ended]);
    }
  };
}

type Done = (failure?: unknown) => void;

async function look(session: LeakSession, context: object): Promise<Error | undefined> {
  const run = runs.get(context);
  if (run === undefined) return undefined;
  // A todo test cannot fail, and one that skipped itself has not run.
  return session.look(run);
}

async function diagnose(session: LeakSession, context: TestContext, failure: unknown): Promise<void> {
  const run = runs.get(context);
  const error = run && (await session.look(run, [failure]));
  if (error) context.diagnostic(error.message);
}

function sessionHere(): LeakSession {
  // Where no test runs there is nothing to look at, and a setting is checked all the same.
  return (opened ??= new LeakSession());
}

/** `node --test` runs each file in a process of its own, which it tells so in NODE_TEST_CONTEXT, unless isolation is off. */
function onlyStartsOthers(): boolean {
  const { execArgv, env } = process;
  const isolated = !execArgv.some((argument) => /^--(experimental-)?test-isolation=none$/.test(argument));
  return execArgv.includes('--test') && env.NODE_TEST_CONTEXT === undefined && isolated;
}
