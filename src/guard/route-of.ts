import { safePattern } from '../base/escape.js';
import type { RouteFinder, RouteInfo } from '../sockets/servers.js';
import { isThenable } from './callbacks.js';
import type { WatchOptions } from './types.js';

/** The application knows no pattern for this request; it may have one all the same. */
const UNKNOWN: RouteInfo = { route: undefined, matched: undefined, reclaim: true };

/**
 * The application's `routeOf` as the guard asks it: whatever it does, the guard gets a pattern that is fit for a log line or a
 * label, or none. `onFailure` hears of each error that it throws, and of the first result that is no string.
 */
export function routeFinderFrom(
  routeOf: NonNullable<WatchOptions['routeOf']>,
  onFailure: (error: unknown) => void,
): RouteFinder {
  let badResultNoted = false;
  return (request) => {
    try {
      const pattern: unknown = routeOf(request as Parameters<typeof routeOf>[0]);
      if (pattern === undefined || pattern === '') return UNKNOWN;
      if (typeof pattern === 'string') return { route: safePattern(pattern), matched: true, reclaim: true };
      if (!badResultNoted) onFailure(new TypeError(`routeOf of watch() returned ${describe(pattern)}`));
      badResultNoted = true;
      // A rejection that nobody handles would end the process.
      if (isThenable(pattern)) pattern.then(undefined, () => undefined);
    } catch (error) {
      onFailure(new Error('routeOf of watch() threw; reports have the path instead', { cause: error }));
    }
    return UNKNOWN;
  };
}

function describe(result: unknown): string {
  return isThenable(result)
    ? 'a promise; only a string is taken, so it must not be async'
    : `a value of type ${result === null ? 'null' : typeof result}; only a string is taken`;
}
