import { GUARD_OPTIONS } from '../../../src/guard/options.js';
import { RECLAIM_OPTIONS } from '../../../src/guard/reclaim-options.js';

/** What the pages' tables are held against and no entry point exports: when a file of src/ moves, it is these lines. */
export { ENVIRONMENT_NAMES } from '../../../src/base/environment.js';
export { GUARD_OPERATIONS } from '../../../src/guard/stats.js';
export { KERNEL_OPERATIONS } from '../../../src/kernel/faults.js';
export { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../../../src/metrics/families.js';
export { GUARD_DEFAULTS } from '../../../src/guard/options.js';

export const RANGES = {
  closeWaitTimeout: GUARD_OPTIONS.closeWaitTimeout.range,
  sampleInterval: GUARD_OPTIONS.sampleInterval.range,
  maxReported: GUARD_OPTIONS.maxReported.range,
  reclaimAfter: RECLAIM_OPTIONS.afterMs.range,
};
