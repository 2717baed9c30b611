import { LeakTracker, type Sighting } from '../../src/leaks/tracker.js';

export const TIMEOUT = 1_000;

export const ids = (sockets: readonly { id: bigint }[]): bigint[] => sockets.map(({ id }) => id);

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

/** A tracker on a loop that is always able to act. `at` takes a sample of all there is, and counts as a leak what is due. */
export function tracker(): LeakTracker & {
  at: (nowMs: number, ...seen: Sighting[]) => ReturnType<LeakTracker['observe']>;
} {
  let open = new Set<bigint>();
  const subject = new LeakTracker(TIMEOUT);
  return Object.assign(subject, {
    at: (nowMs: number, ...seen: Sighting[]) => {
      const closed = [...open].filter((id) => seen.every((sighting) => sighting.id !== id));
      open = new Set(ids(seen));
      const verdict = subject.observe(seen, closed, nowMs, nowMs);
      for (const { id } of verdict.due) subject.markLeaked(id);
      return verdict;
    },
  });
}

/** A look in which nothing happened. */
export const QUIET = { due: [], ended: [] };
