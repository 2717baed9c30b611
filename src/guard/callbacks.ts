import { isObject } from '../base/objects.js';

/** What an async function returns where a plain one was asked for. Reading `then` may throw. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (isObject(value) || typeof value === 'function') && typeof (value as { then?: unknown }).then === 'function';
}

/**
 * Calls a function of the application: what it throws, and what its promise is rejected with if it is async, goes to
 * `onFailure` and nowhere else.
 */
export function callGuarded<A extends unknown[]>(
  callback: (...args: A) => unknown,
  self: unknown,
  args: A,
  onFailure: (error: unknown) => void,
): void {
  try {
    const result: unknown = Reflect.apply(callback, self, args);
    if (isThenable(result)) result.then(undefined, onFailure);
  } catch (error) {
    onFailure(error);
  }
}
