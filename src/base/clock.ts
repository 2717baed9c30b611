import { performance } from 'node:perf_hooks';

/*
 * Every clock that this library reads. Taken when this module loads and not looked up later: test runners replace global
 * clocks and timers by fake ones, and real sockets keep real time. The timers of this library come from 'node:timers' for
 * the same reason. A lint rule keeps the global ones out of src/.
 */
const now = performance.now.bind(performance);
const utilization = performance.eventLoopUtilization.bind(performance);
const RealDate = Date;

/** Milliseconds on a clock that never goes back: for all that is measured. */
export function monotonicMs(): number {
  return now();
}

/** The time of day, for a line of a log. It jumps when somebody sets the clock, so nothing is measured with it. */
export function wallClock(): Date {
  return new RealDate();
}

/** {@link wallClock} in milliseconds since 1970. */
export function wallClockMs(): number {
  return RealDate.now();
}

/** A moment that is written as in ISO 8601, in milliseconds since 1970; NaN when it is none. */
export function parseMoment(text: string): number {
  return RealDate.parse(text);
}

/** As in `2027-01-31T00:00:00.000Z`. */
export function momentText(ms: number): string {
  return new RealDate(ms).toISOString();
}

/** How long the event loop of this thread has waited for events so far, in milliseconds. */
export function loopIdleMs(): number {
  return utilization().idle;
}
