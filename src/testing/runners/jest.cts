/**
 * Setup file for jest 29 and later: `setupFilesAfterEnv: ['close-wait-guard/jest']`, in CommonJS and ES module projects,
 * without a flag. A test that leaves a leaked socket behind fails, and so does only that test: a leak is charged once.
 *
 * It looks when the test function has ended, whatever its outcome, and before any `afterEach` hook: closing the server
 * there destroys the evidence. For the same reason it cannot see a leak of a server that the test function itself closes.
 * A half-closed socket gets two seconds to be closed, so a test that leaks takes that much longer; a `test.concurrent`,
 * for which jest runs no hooks, within its own time-out.
 *
 * What was half-closed before a test began is not charged to it. Of tests that run concurrently, the one that made the leak
 * is charged: it opened the connection or sent the last request over it, or else started the server that accepted it. Where
 * neither is known (a client in another process and a server of the file) it is the first one that ends while the leak is
 * there. What a test leaks after its end fails the file, and names the test. A leak made by a hook of the whole file is
 * charged to nobody.
 *
 * It adds matchers, `LeakMatchers`. A leak a matcher has found is accounted for: the test is not failed for it a
 * second time. With another runner than jest-circus it has plain hooks alone, and looks after the afterEach hooks of
 * describe blocks.
 */
import type * as Module from 'node:module';
// eslint-disable-next-line @typescript-eslint/no-require-imports -- how TypeScript writes require() in CommonJS
import vm = require('node:vm');
import type * as outside from './jest-session.js';
import type { AllowedLeaks, LeakCheckOptions } from '../check/options.js';

// In its sandbox jest answers for require(), node:module and process, and has no ES modules there. Node's own require() has
// them, and loads the addon once for all files of a worker.
const { createRequire } = vm.runInThisContext("process.getBuiltinModule('node:module')") as typeof Module;
const { sessionOf, assertNoLeakedSockets, auditRoutes, findLeakedSockets, hangUp, reproduce } = createRequire(
  __filename,
)('./jest-session.js') as typeof outside;

// eslint-disable-next-line @typescript-eslint/no-require-imports -- jest's sandbox answers for this name, installed or not
const session = sessionOf(globalThis, () => require('@jest/globals') as outside.JestGlobals);

/**
 * Lets the calling test leak on purpose: everything, the leaks with these ids, or those the function says true for.
 * Call it in the test, or in a hook that runs for it alone.
 * @throws GuardError CWG_ERR_ARGUMENT, also while no test runs
 */
function allowLeaks(which?: AllowedLeaks): void {
  session.allow(which);
}

/**
 * Sets how the end of each test is looked at, from now on to the end of this file; in a setup file, for every file. What is
 * not given stays as it is.
 * @throws GuardError CWG_ERR_OPTION
 */
function configureLeakCheck(options: LeakCheckOptions): void {
  session.configure(options);
}

// The others are those of close-wait-guard/testing, which the sandbox of a CommonJS project cannot load.
export = {
  allowLeaks,
  configureLeakCheck,
  assertNoLeakedSockets,
  auditRoutes,
  findLeakedSockets,
  hangUp,
  reproduce,
};
