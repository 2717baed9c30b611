export { allowLeaks, configureLeakCheck } from './testing/runners/vitest.js';
export type { AllowedLeaks, LeakCheckOptions, LeakMatchers } from './testing/runners/vitest.js';
