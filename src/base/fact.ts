import { shared } from './shared-state.js';

/** Since they were last taken. */
interface Failures {
  count: number;
  first: unknown;
}

/**
 * What the application made of its sockets, servers and requests may throw when it is read: a getter, a proxy, a method
 * that was replaced. That costs the one fact that was to be read, and is counted.
 */
const failures = shared('fact-failures', (): Failures => ({ count: 0, first: undefined }));

/** What `read` returns, or `otherwise` when it throws. */
export function fact<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    noteFactFailure(error);
    return otherwise;
  }
}

export function noteFactFailure(error: unknown): void {
  const seen = failures();
  if (seen.count++ === 0) seen.first = error;
}

/** How many facts threw since this was last asked, and what the first of them threw. */
export function takeFactFailures(): Readonly<Failures> {
  const seen = failures();
  const taken = { count: seen.count, first: seen.first };
  seen.count = 0;
  seen.first = undefined;
  return taken;
}
