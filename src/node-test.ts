export { allowLeaks, configureLeakCheck } from './testing/runners/node-test.js';
export type { AllowedLeaks, LeakCheckOptions } from './testing/runners/node-test.js';
