import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeakTracker, type TrackedSocket, type Verdict } from '../../src/leaks/tracker.js';
import { bear, history, play, type LiveSocket, type Look } from './histories.js';

/** The same histories every time; a failure prints its seed and path, and CWG_SEED=… tries others. */
const RUNS = { seed: Number(process.env.CWG_SEED ?? 20_160_118), numRuns: 1_500 };

/** Drives a tracker through a history, beside a model that knows what each socket really did. */
class Run {
  readonly tracker: LeakTracker;
  readonly live = new Map<bigint, LiveSocket>();
  readonly reported = new Set<bigint>();
  /** Every leak ever told, in order. */
  readonly told: bigint[] = [];
  readonly ages = new Map<bigint, number>();
  nowMs = 10_000;
  ableMs = 0;
  #nextId = 1n;

  constructor(
    readonly timeoutMs: number,
    readonly maxReported: number,
  ) {
    this.tracker = new LeakTracker(timeoutMs, maxReported);
  }

  take(look: Look): Verdict {
    const lastAbleMs = this.ableMs;
    this.nowMs += look.elapsedMs;
    this.ableMs += Math.max(0, look.elapsedMs) * look.ableShare;
    const forgotten = new Set<bigint>();
    [...this.live].forEach(([id, socket], i) => {
      const action = look.moves[i] ?? { what: 'nothing' };
      if (action.what === 'close') this.live.delete(id);
      if (action.what === 'forget') {
        this.tracker.forget(id);
        this.live.delete(id);
        this.reported.delete(id);
        forgotten.add(id);
      }
      if (play(socket, action)) {
        // When between the two looks it happened, nobody knows.
        socket.notDueBeforeAbleMs = lastAbleMs;
        socket.surelyIdleSinceAbleMs = this.ableMs;
      }
    });
    for (const birth of look.born) {
      const id = this.#nextId++;
      this.live.set(id, {
        sighting: bear(birth, id, this.nowMs),
        notDueBeforeAbleMs: lastAbleMs,
        surelyIdleSinceAbleMs: this.ableMs,
      });
    }
    const sightings = Array.from(this.live.values(), ({ sighting }) => sighting);
    const verdict = this.tracker.observe(sightings, this.nowMs, this.ableMs, () => look.mayReport);
    for (const id of forgotten) {
      expect(this.tracker.has(id)).toBe(false);
      expect(ids(verdict.ended)).not.toContain(id);
    }
    return verdict;
  }

  idleAtMost(id: bigint): number {
    return this.ableMs - this.live.get(id)!.notDueBeforeAbleMs;
  }

  idleAtLeast(id: bigint): number {
    return this.ableMs - this.live.get(id)!.surelyIdleSinceAbleMs;
  }
}

function ids(sockets: readonly TrackedSocket[]): bigint[] {
  return sockets.map(({ id }) => id);
}

/** Checks `each` after every look of every history. */
function always(each: (run: Run, verdict: Verdict, look: Look) => void): void {
  fc.assert(
    fc.property(history, ({ timeoutMs, maxReported, looks }) => {
      const run = new Run(timeoutMs, maxReported);
      for (const look of looks) {
        const verdict = run.take(look);
        each(run, verdict, look);
        for (const id of ids(verdict.leaked)) {
          run.told.push(id);
          run.reported.add(id);
        }
        for (const { id } of verdict.ended) run.reported.delete(id);
      }
    }),
    RUNS,
  );
}

/** Sums of fractions of milliseconds differ in their last bits. */
const ROUNDING_MS = 1e-6;

describe('whatever sockets do, the tracker', () => {
  it('calls nothing a leak that made progress within the time-out, or that the kernel is closing', () => {
    always((run, { leaked }) => {
      for (const { id } of leaked) {
        expect(run.idleAtMost(id)).toBeGreaterThanOrEqual(run.timeoutMs - ROUNDING_MS);
        expect(run.live.get(id)!.sighting.kind).not.toBe('closing');
      }
    });
  });

  it('calls everything a leak that made none, unless it is closing, refused, or there is no room', () => {
    always((run, { leaked, withheld }, { mayReport }) => {
      const told = new Set([...run.reported, ...ids(leaked)]);
      const overdue = [...run.live.keys()].filter(
        (id) =>
          run.live.get(id)!.sighting.kind !== 'closing' &&
          run.idleAtLeast(id) >= run.timeoutMs + ROUNDING_MS &&
          !told.has(id),
      );
      if (mayReport) expect(overdue.length).toBeLessThanOrEqual(withheld);
    });
  });

  it('accuses nobody in time in which the event loop was blocked', () => {
    fc.assert(
      fc.property(history, ({ timeoutMs, maxReported, looks }) => {
        const run = new Run(timeoutMs, maxReported);
        for (const look of looks) expect(run.take({ ...look, ableShare: 0 }).leaked).toEqual([]);
      }),
      RUNS,
    );
  });

  it('tells of each leak once', () => {
    always((run, { leaked }) => {
      for (const id of ids(leaked)) expect(run.told).not.toContain(id);
      expect(new Set(ids(leaked)).size).toBe(leaked.length);
    });
  });

  it('releases exactly the reported ones that are closed, each once', () => {
    always((run, { released, ended }) => {
      const closed = [...run.reported].filter((id) => !run.live.has(id));
      expect(ids(released).sort()).toEqual(closed.sort());
      expect(ids(ended)).toEqual(expect.arrayContaining(ids(released)));
      for (const { id } of ended) expect(run.tracker.has(id)).toBe(false);
    });
  });

  it('never lets an age shrink or fall below zero, and is never idle for longer than that', () => {
    always((run, { leaked, ended }) => {
      const views = [...run.live.keys()].map((id) => run.tracker.get(id)!);
      for (const { id, ageMs, idleMs } of [...views, ...leaked, ...ended]) {
        expect(idleMs).toBeGreaterThanOrEqual(0);
        expect(ageMs).toBeGreaterThanOrEqual(idleMs);
        expect(ageMs).toBeGreaterThanOrEqual(run.ages.get(id) ?? 0);
        run.ages.set(id, ageMs);
      }
    });
  });

  it('never has more than maxReported reported at a time, and counts those it keeps back', () => {
    always((run, { leaked, withheld }) => {
      const open = [...run.live.keys()].filter((id) => run.tracker.get(id)?.reported);
      expect(open.length).toBeLessThanOrEqual(run.maxReported);
      expect(ids(leaked).filter((id) => !open.includes(id))).toEqual([]);
      if (withheld > 0) expect(open.length).toBe(run.maxReported);
    });
  });

  it('is silent about what it was told to forget, and knows it no more', () => {
    fc.assert(
      fc.property(history, ({ timeoutMs, maxReported, looks }) => {
        const run = new Run(timeoutMs, maxReported);
        for (const look of looks) run.take(look);
        const last = [...run.live];
        for (const [id] of last) run.tracker.forget(id);
        for (const [id] of last) expect([run.tracker.has(id), run.tracker.ableIdleMs(id)]).toEqual([false, 0]);
        const verdict = run.tracker.observe([], run.nowMs + 1, run.ableMs + 1);
        expect(verdict).toEqual({ leaked: [], ended: [], released: [], withheld: 0 });
        // Room that a forgotten leak took is free again.
        const fresh = Array.from({ length: maxReported }, (_, i) => bear(FRESH, 1_000_000n + BigInt(i), run.nowMs));
        run.tracker.observe(fresh, run.nowMs + 2, run.ableMs + 2);
        const later = run.tracker.observe(fresh, run.nowMs + 3 + timeoutMs, run.ableMs + 3 + timeoutMs);
        expect(later.leaked.length + later.withheld).toBeLessThanOrEqual(maxReported);
        expect(fresh.every(({ id }) => run.tracker.get(id)?.reported)).toBe(true);
      }),
      RUNS,
    );
  });
});

const FRESH = {
  kind: 'close-wait',
  lastAckAgeMs: 0,
  openBeforeMs: undefined,
  readBytes: 0,
  bufferedBytes: 0,
  ackedBytes: 0,
} as const;
