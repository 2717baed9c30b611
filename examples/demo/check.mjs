/** The demo does not take its own word for it: what it claims is checked, and a claim that does not hold ends it with 1. */

/** A claim of the demo that turned out not to be true. */
export class NotTrue extends Error {}

/** @param {unknown} condition @param {string} claim @param {unknown} [found] What was found instead. */
export function check(condition, claim, found) {
  if (condition) return;
  throw new NotTrue(found === undefined ? claim : `${claim}; found: ${JSON.stringify(found)}`);
}

/**
 * Waits until `condition` holds, and returns what it returned.
 * @template T @param {() => T | undefined | false} condition @param {string} claim @returns {Promise<T>}
 */
export async function until(condition, claim, deadlineMs = 10_000) {
  const startedAt = performance.now();
  for (;;) {
    const result = condition();
    if (result !== undefined && result !== false) return result;
    check(performance.now() - startedAt < deadlineMs, `${claim} (waited ${deadlineMs / 1000} s)`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
