import { LeakTracker, type Sighting } from '../../src/leaks/tracker.js';

export const TIMEOUT = 1_000;

export function sighting(change: Partial<Sighting> = {}): Sighting {
  return {
    id: 1n,
    kind: 'close-wait',
    state: 8,
    readBytes: 0,
    bufferedBytes: 100,
    ackedBytes: 0,
    lastAckAgeMs: 0,
    openAtMs: 0,
    ...change,
  };
}

/** A tracker on a loop that is always able to act; `at` looks at the time given. */
export function tracker(
  maxReported = 10,
): LeakTracker & { at: (nowMs: number, ...seen: Sighting[]) => ReturnType<LeakTracker['observe']> } {
  const subject = new LeakTracker(TIMEOUT, maxReported);
  return Object.assign(subject, {
    at: (nowMs: number, ...seen: Sighting[]) => subject.observe(seen, nowMs, nowMs),
  });
}

/** A look in which nothing happened. */
export const QUIET = { leaked: [], released: [], ended: [], withheld: 0 };

export const ids = (sockets: readonly { id: bigint }[]): bigint[] => sockets.map(({ id }) => id);
