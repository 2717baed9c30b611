import { performance } from 'node:perf_hooks';

/*
 * Taken when this module loads and not looked up later: test runners replace global clocks and timers by fake ones, and
 * real sockets keep real time. The timers of this library come from 'node:timers' for the same reason.
 */
const now = performance.now.bind(performance);
const utilization = performance.eventLoopUtilization.bind(performance);

/** Milliseconds on a clock that never goes back. */
export function monotonicMs(): number {
  return now();
}

/** How long the event loop of this thread has waited for events so far, in milliseconds. */
export function loopIdleMs(): number {
  return utilization().idle;
}
