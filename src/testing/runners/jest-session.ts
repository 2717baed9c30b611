/// <reference types="expect" preserve="true" />
import { LeakSession, type TestRun } from '../check/session.js';
import {
  circusStateOf,
  hookFirst,
  nameOf,
  wrapTestFunctions,
  type CircusBody,
  type CircusState,
  type CircusTest,
} from './jest-circus.js';
import { createMatchers, type LeakMatchers } from './matchers.js';

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

/** Longer than any look: its own deadline ends it. */
const HOOK_TIMEOUT_MS = 1_300_000;
const sessions = new WeakMap<object, LeakSession>();

/**
 * The session of a file, whose sandbox has the global object `global`. Opened once, however often the entry point is
 * evaluated there (`jest.resetModules()`). This module is outside of the sandbox and serves one file after another.
 */
export function sessionOf(global: object, jest: () => JestGlobals): LeakSession {
  let session = sessions.get(global);
  if (session === undefined) {
    session = new LeakSession();
    sessions.set(global, session);
    install(session, global, jest());
  }
  return session;
}

function install(session: LeakSession, global: object, jest: JestGlobals): void {
  const runs = new WeakMap<object, TestRun>();
  /** Stands for the test where circus is not found, so that no two run at a time. */
  const unnamed = {};
  let state: CircusState | undefined;
  const current = (): CircusTest | undefined => state?.currentlyRunningTest ?? undefined;
  const begin = (test: CircusTest | undefined): TestRun => {
    const run = session.begin(test ? nameOf(test) : 'a test');
    runs.set(test ?? unnamed, run);
    return run;
  };

  const lookAtTestEnd = async (): Promise<void> => {
    const test = current();
    const run = runs.get(test ?? unnamed);
    const error = run && (await session.look(run, test?.errors.map(thrown)));
    if (error) throw error;
  };

  jest.beforeAll(() => {
    state = circusStateOf(global);
    if (!state) return;
    hookFirst(state, lookAtTestEnd);
    wrapTestFunctions(state, (test, body) =>
      test.concurrent
        ? async (...args) => alone(begin(test), test, body, args)
        : function (...args) {
            const run = runs.get(test);
            return run ? session.run(run, () => Reflect.apply(body, this, args)) : Reflect.apply(body, this, args);
          },
    );
  });
  jest.beforeEach(() => {
    begin(current());
  });
  jest.afterEach(lookAtTestEnd, HOOK_TIMEOUT_MS);
  jest.afterAll(() => {
    session.close();
    const late = session.lateLeaks();
    if (late) throw late;
  });
  jest.expect.extend(createMatchers((leaks) => session.account(leaks)));

  /** jest runs no beforeEach and afterEach for a concurrent test. */
  async function alone(run: TestRun, test: CircusTest, body: CircusBody, args: unknown[]): Promise<void> {
    const failures: unknown[] = [];
    try {
      await session.run(run, () => Reflect.apply(body, undefined, args));
    } catch (failure) {
      failures.push(failure);
    }
    const error = await session.look(run, failures);
    // Both are printed, its own first.
    if (error && failures.length > 0) test.errors.push([failures.pop(), test.asyncError]);
    if (error) throw error;
    if (failures.length > 0) throw failures[0];
  }
}

/** circus keeps what a test threw, with where the test was defined. */
function thrown(error: unknown): unknown {
  return Array.isArray(error) ? (error as unknown[])[0] : error;
}
