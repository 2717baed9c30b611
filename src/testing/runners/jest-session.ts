/// <reference types="expect" preserve="true" />
import {
  circusStateOf,
  hookFirst,
  nameOf,
  wrapTestFunctions,
  type CircusState,
  type CircusTest,
} from './jest-circus.js';
import { createMatchers, type LeakMatchers } from './matchers.js';
import { Runner } from './runner.js';

export { auditRoutes } from '../audit/index.js';
export { assertNoLeakedSockets, findLeakedSockets } from '../check/find.js';
export { hangUp } from '../hang-up/index.js';
export { reproduce } from '../reproduce.js';

// `expect` of @jest/globals, and where it is used instead, of @types/jest.
declare module 'expect' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars
  interface Matchers<R extends void | Promise<void>, T = unknown> extends LeakMatchers {}
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars
    interface Matchers<R, T = {}> extends LeakMatchers {}
  }
}

type Hook = (fn: () => Promise<void> | void, timeoutMs?: number) => void;

/** What jest gives a file. */
export interface JestGlobals {
  readonly beforeAll: Hook;
  readonly afterAll: Hook;
  readonly beforeEach: Hook;
  readonly afterEach: Hook;
  readonly expect: { extend(matchers: Record<string, unknown>): void };
}

/** Longer than any check: its own deadline ends it. */
const HOOK_TIMEOUT_MS = 1_300_000;
/** Keyed by the test; by a file's own object where circus is not found, so that no two run at a time. */
type JestRunner = Runner<object>;
const runners = new WeakMap<object, JestRunner>();

/**
 * The runner of a file, whose sandbox has the global object `global`. Made once, however often the entry point is evaluated
 * there (`jest.resetModules()`). This module is outside of the sandbox and serves one file after another.
 */
export function runnerOf(global: object, jest: () => JestGlobals): JestRunner {
  let runner = runners.get(global);
  if (runner === undefined) {
    runner = new Runner<object>().open();
    runners.set(global, runner);
    install(runner, global, jest());
  }
  return runner;
}

function install(runner: JestRunner, global: object, jest: JestGlobals): void {
  const unnamed = {};
  let state: CircusState | undefined;
  const current = (): CircusTest | undefined => state?.currentlyRunningTest ?? undefined;
  const begin = (test: CircusTest | undefined): void => {
    runner.begin(test ?? unnamed, test ? nameOf(test) : 'a test');
  };

  const checkAtTestEnd = async (): Promise<void> => {
    const test = current();
    const leaks = await runner.check(test ?? unnamed, test?.errors.map(thrown));
    if (leaks) throw leaks;
  };

  jest.beforeAll(() => {
    state = circusStateOf(global);
    if (!state) return;
    hookFirst(state, checkAtTestEnd);
    wrapTestFunctions(state, (test, body) => {
      if (!test.concurrent) {
        return function (...args) {
          return runner.run(test, () => Reflect.apply(body, this, args));
        };
      }
      // jest runs no beforeEach and afterEach for a concurrent test.
      return async (...args) => {
        begin(test);
        await runner.runAndCheck(
          test,
          () => Reflect.apply(body, undefined, args),
          (failure, leaks) => {
            // Both are printed, its own first.
            test.errors.push([failure, test.asyncError]);
            return leaks;
          },
        );
      };
    });
  });
  jest.beforeEach(() => {
    begin(current());
  });
  jest.afterEach(checkAtTestEnd, HOOK_TIMEOUT_MS);
  jest.afterAll(() => {
    runner.end();
  });
  jest.expect.extend(createMatchers(runner));
}

/** circus keeps what a test threw, with where the test was defined. */
function thrown(error: unknown): unknown {
  return Array.isArray(error) ? (error as unknown[])[0] : error;
}
