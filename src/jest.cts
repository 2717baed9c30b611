// eslint-disable-next-line @typescript-eslint/no-require-imports -- how TypeScript writes require() in CommonJS
import runner = require('./testing/runners/jest.cjs');

// An ES module can import only the names that Node finds in this file's text. The type is the runner's, whose matchers come with it.
// eslint-disable-next-line no-restricted-syntax
const { allowLeaks, configureLeakCheck, assertNoLeakedSockets, auditRoutes, findLeakedSockets, hangUp, reproduce } =
  runner;

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-assertion -- it is written into the published types
export = {
  allowLeaks,
  configureLeakCheck,
  assertNoLeakedSockets,
  auditRoutes,
  findLeakedSockets,
  hangUp,
  reproduce,
} as typeof runner;
