/**
 * Setup file for jest 29 and later: `setupFilesAfterEnv: ['close-wait-guard/jest']`, in CommonJS and ES module projects,
 * without a flag. What it does at the end of a test is described in runner.ts.
 *
 * A `test.concurrent`, for which jest runs no hooks, is checked within its own time-out.
 *
 * It adds matchers, `LeakMatchers`. A leak a matcher has found is accounted for: the test is not failed for it a
 * second time. With another runner than jest-circus it has plain hooks alone, and checks after the afterEach hooks of
 * describe blocks.
 */
import type * as Module from 'node:module';
// eslint-disable-next-line @typescript-eslint/no-require-imports -- how TypeScript writes require() in CommonJS
import vm = require('node:vm');
import type * as outside from './jest-session.js';

// In its sandbox jest answers for require(), node:module and process, and has no ES modules there. Node's own require() has
// them, and loads the addon once for all files of a worker.
const { createRequire } = vm.runInThisContext("process.getBuiltinModule('node:module')") as typeof Module;
const { runnerOf, assertNoLeakedSockets, auditRoutes, findLeakedSockets, hangUp, reproduce } = createRequire(
  __filename,
)('./jest-session.js') as typeof outside;

// eslint-disable-next-line @typescript-eslint/no-require-imports -- jest's sandbox answers for this name, installed or not
const { allowLeaks, configureLeakCheck } = runnerOf(globalThis, () => require('@jest/globals') as outside.JestGlobals);

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
