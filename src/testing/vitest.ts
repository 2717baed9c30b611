/**
 * Setup file for vitest 3.2 and later: `setupFiles: ['close-wait-guard/vitest']`. A test that leaves a leaked socket
 * behind fails, and so does only that test: a leak is charged once.
 *
 * It looks when the test function has ended, whatever its outcome, and before any `afterEach` hook: closing the server
 * there destroys the evidence. For the same reason it cannot see a leak of a server that the test function itself closes.
 * A half-closed socket gets two seconds to be closed, so a test that leaks takes that much longer.
 *
 * What was half-closed before a test began is not charged to it. Of tests that run concurrently, the first one that ends
 * while the leak is there is charged, which need not be the one that made it. A leak made by a hook, or by a test that is
 * skipped while it runs, is charged to nobody. With `sequence.hooks: 'parallel'` hooks that close the server run beside
 * the look, and may hide a leak from it.
 *
 * It adds one matcher, {@link LeakMatchers}; TypeScript knows of it where this file is imported, or named in `types`.
 * A leak the matcher has found is accounted for: the test is not failed for it a second time, so
 * `.not.toHaveNoLeakedSockets()` lets a test leak on purpose.
 */
import type { Server } from 'node:net';
import * as vitest from 'vitest';
import { followFastifyRoutes, Guard } from '../guard.js';
import type { LeakReport } from '../leaks/report.js';
import { findLeakedSockets, type FindLeakedSocketsOptions } from './index.js';
import { leakedSocketsError, leakMessage, type LeakedSocketsError } from './failure.js';

export interface LeakMatchers {
  /**
   * Passes when no connection that the server (net, tls, http, https, http2, or a Fastify instance) accepted is leaked.
   * Await it, and before the server is closed.
   */
  toHaveNoLeakedSockets: (options?: Omit<FindLeakedSocketsOptions, 'server'>) => Promise<void>;
}

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-explicit-any, @typescript-eslint/no-unused-vars
  interface Matchers<T = any> extends LeakMatchers {}
}

/** What was half-closed when a test (this try of it) began; absent once its end has been looked at. */
const halfClosedBefore = new WeakMap<object, ReadonlySet<string>>();
/** Leaks that a test has failed for, or that a matcher has spoken of. */
const charged = new Set<string>();
const hooked = new WeakSet<object>();

const getSuiteHooks = await loadGetSuiteHooks();
// Knows every socket from now on, so that a leak found later has its route, its age, and where and for whom it was opened.
const observer = new Guard({ sampleInterval: 0, traceRequests: true, captureStacks: true }, { observer: true });
const unfollow = followFastifyRoutes();

vitest.afterAll(() => {
  unfollow();
  observer.close();
});

vitest.beforeEach(({ task }) => {
  halfClosedBefore.set(task, new Set(observer.sockets().map(({ id }) => id)));
  const suite = task.suite ?? task.file;
  if (hooked.has(suite)) return;
  hooked.add(suite);
  // A setup file's own afterEach would run last. These are the first to run, in any order vitest runs hooks:
  // 'stack' starts at the end of the list, 'list' and 'parallel' at its beginning.
  const { afterEach } = getSuiteHooks(suite);
  afterEach.unshift(lookAtTestEnd);
  afterEach.push(lookAtTestEnd);
});

vitest.expect.extend({
  async toHaveNoLeakedSockets(server, options: Omit<FindLeakedSocketsOptions, 'server'> = {}) {
    const leaks = await findLeakedSockets({ ...options, server: server as Server });
    for (const { id } of leaks) charged.add(id);
    return {
      pass: leaks.length === 0,
      message: () =>
        leaks.length === 0
          ? 'expected the server to have leaked sockets, and it has none'
          : leakMessage(leaks, (count) => `expected the server to have no leaked sockets, and it has ${count}`),
    };
  },
});

async function lookAtTestEnd({ task, onTestFinished }: vitest.TestContext): Promise<void> {
  const before = halfClosedBefore.get(task);
  if (before === undefined) return;
  halfClosedBefore.delete(task);
  for (const leak of leaksInErrors(task.result?.errors)) charged.add(leak.id);
  const leaks = await findLeakedSockets({ ignore: ({ id }) => before.has(id) || charged.has(id) });
  if (leaks.length === 0) return;
  for (const { id } of leaks) charged.add(id);
  const error = leakedSocketsError(leaks, (count) => `This test left ${count} behind`);
  // Its frames would be this file's and the runner's; the test's name says where.
  error.stack = `${error.name}: ${error.message}`;
  // Thrown here it would keep the test's own afterEach hooks from running; there it is added to the test's errors.
  onTestFinished(() => {
    throw error;
  });
}

/** Leaks that the test has failed for by itself, with assertNoLeakedSockets(). */
function leaksInErrors(errors: readonly unknown[] | undefined): LeakReport[] {
  return (errors ?? []).flatMap((error) => {
    const { code, leaks } = error as Partial<LeakedSocketsError>;
    return code === 'CWG_ERR_LEAKED_SOCKETS' && leaks ? leaks : [];
  });
}

type GetSuiteHooks = (suite: object) => {
  readonly afterEach: ((context: vitest.TestContext, suite: never) => unknown)[];
};

/** Part of `vitest/suite` up to 4.0, of TestRunner since; 4.1 prints a deprecation when the former is imported, 5 has none. */
async function loadGetSuiteHooks(): Promise<GetSuiteHooks> {
  const { TestRunner } = vitest as { TestRunner?: { getSuiteHooks?: unknown } };
  if (TestRunner?.getSuiteHooks) return TestRunner.getSuiteHooks as GetSuiteHooks;
  // Not a literal: vite would try to resolve it where it does not exist.
  const suiteEntry = 'vitest/suite';
  const { getHooks } = (await import(suiteEntry)) as { getHooks: GetSuiteHooks };
  return getHooks;
}
