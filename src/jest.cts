// eslint-disable-next-line @typescript-eslint/no-require-imports -- how TypeScript writes require() in CommonJS
import runner = require('./testing/runners/jest.cjs');

// An ES module can import only the names that Node finds in this file's text.
// eslint-disable-next-line no-restricted-syntax
const { allowLeaks, configureLeakCheck, assertNoLeakedSockets, auditRoutes, findLeakedSockets, hangUp, reproduce } =
  runner;

export = {
  allowLeaks,
  configureLeakCheck,
  assertNoLeakedSockets,
  auditRoutes,
  findLeakedSockets,
  hangUp,
  reproduce,
};
