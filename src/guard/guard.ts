import { GuardImplementation } from './guard-implementation.js';
import type { GuardOptions } from './options.js';
import type { Guard } from './types.js';

export { isGuard } from './internals.js';
export type { Guard, GuardEvents, RoutedRequest, SocketReport, WatchOptions } from './types.js';

/**
 * Starts a guard for this thread.
 * @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes.
 */
export function createGuard(options?: GuardOptions): Guard {
  return new GuardImplementation(options);
}
