import { setImmediate } from 'node:timers';
import { monotonicMs } from './clock.js';

/** What one turn of the event loop may have of a piece of work, ms: what else waits for the loop waits so much longer. */
const SLICE_MS = 2;

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * Does a piece of work in several turns of the event loop, each some 2 ms and one step long at most.
 * @param work may be left at each `yield` and gone on with in a later turn, when other things have changed
 * @param nowMs the clock a turn is measured by
 */
export async function inTurns<Result>(
  work: Generator<void, Result>,
  nowMs: () => number = monotonicMs,
): Promise<Result> {
  for (;;) {
    const until = nowMs() + SLICE_MS;
    do {
      const step = work.next();
      if (step.done) return step.value;
    } while (nowMs() < until);
    await nextTurn();
  }
}
