import { clearTimeout, setImmediate, setTimeout } from 'node:timers';

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/*
 * Taken when this module loads: test runners replace timers by fake ones, and real sockets keep real time.
 */
export const later = setTimeout;
export const stopLater = clearTimeout;
const soon = setImmediate;

/**
 * Asks at once, and again after pauses that grow, until it is so or the pauses add up to `deadlineMs`. They add up
 * whatever the clock says: where a busy machine or a blocked loop stretches them, the code under test still gets its turns.
 */
export async function waitUntil(isSo: () => boolean, deadlineMs: number): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (
    let leftMs = deadlineMs;
    !isSo() && leftMs > 0;
    leftMs -= pauseMs, pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  ) {
    await new Promise((resolve) => later(resolve, Math.min(pauseMs, leftMs)));
    await turn();
  }
}

/** One full turn of the loop: what had arrived is handled. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => soon(() => soon(resolve)));
}
