import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ids, TrackedSockets, type Verdict } from '../../support/tracked-sockets.js';
import { propertyRuns } from '../../support/property-runs.js';
import { bear, history, play, type LiveSocket, type Look } from './histories.js';

const RUNS = propertyRuns(1_500);

/** Drives a tracker through a history, beside a model that knows what each socket really did. */
class Run {
  readonly tracker: TrackedSockets;
  readonly live = new Map<bigint, LiveSocket>();
  /** Counted as leaks and open. */
  readonly leaked = new Set<bigint>();
  readonly ages = new Map<bigint, number>();
  /** Read by this sample. */
  read: ReadonlySet<bigint> = new Set();
  /** Closed since the last sample, which knew them. */
  closed: readonly bigint[] = [];
  nowMs = 10_000;
  ableMs = 0;
  #nextId = 1n;

  constructor(readonly timeoutMs: number) {
    this.tracker = new TrackedSockets(timeoutMs);
  }

  take(look: Look): Verdict {
    const lastAbleMs = this.ableMs;
    this.nowMs += look.elapsedMs;
    this.ableMs += Math.max(0, look.elapsedMs) * look.ableShare;
    const closed: bigint[] = [];
    [...this.live].forEach(([id, socket], i) => {
      const action = look.moves[i] ?? { what: 'nothing' };
      if (action.what === 'close') {
        this.live.delete(id);
        if (socket.known) closed.push(id);
      }
      if (action.what === 'forget') {
        this.tracker.forget(id);
        this.live.delete(id);
        this.leaked.delete(id);
        expect(this.tracker.has(id)).toBe(false);
      }
      // When between the two samples it happened, nobody knows.
      if (play(socket, action)) Object.assign(socket, { unread: true, notDueBeforeAbleMs: lastAbleMs });
    });
    for (const birth of look.born) {
      const id = this.#nextId++;
      const observation = bear(birth, id, this.nowMs);
      this.live.set(id, {
        observation,
        known: false,
        unread: true,
        notDueBeforeAbleMs: lastAbleMs,
        surelyIdleSinceAbleMs: 0,
      });
    }
    const read = [...this.live].filter((_, i) => look.reads[i % look.reads.length]);
    for (const [, socket] of read) {
      // It is idle from the sample on that first knew of its last progress.
      if (socket.unread) socket.surelyIdleSinceAbleMs = this.ableMs;
      // Of one that was never read, nothing was known before the last sample.
      if (!socket.known) socket.notDueBeforeAbleMs = Math.max(socket.notDueBeforeAbleMs, lastAbleMs);
      Object.assign(socket, { known: true, unread: false });
    }
    this.read = new Set(read.map(([id]) => id));
    this.closed = closed;
    const observations = read.map(([, { observation }]) => observation);
    return this.tracker.observe(observations, closed, this.nowMs, this.ableMs);
  }

  count(due: readonly bigint[]): void {
    for (const id of due) {
      this.tracker.markLeaked(id);
      this.leaked.add(id);
    }
  }

  idleAtMost(id: bigint): number {
    return this.ableMs - this.live.get(id)!.notDueBeforeAbleMs;
  }

  idleAtLeast(id: bigint): number {
    return this.ableMs - this.live.get(id)!.surelyIdleSinceAbleMs;
  }
}

/** Checks `each` after every sample of every history. */
function always(each: (run: Run, verdict: Verdict) => void): void {
  fc.assert(
    fc.property(history, ({ timeoutMs, looks }) => {
      const run = new Run(timeoutMs);
      for (const look of looks) {
        const verdict = run.take(look);
        each(run, verdict);
        for (const { id } of verdict.ended) run.leaked.delete(id);
        if (look.counts) run.count(ids(verdict.due));
      }
    }),
    RUNS,
  );
}

/** Sums of fractions of milliseconds differ in their last bits. */
const ROUNDING_MS = 1e-6;

describe('whatever sockets do, and whichever of them a sample reads, the tracker', () => {
  it('has nothing due that it has not just read, that made progress within the time-out, or that the kernel is closing', () => {
    always((run, { due }) => {
      for (const id of ids(due)) {
        expect(run.read.has(id)).toBe(true);
        expect(run.idleAtMost(id)).toBeGreaterThanOrEqual(run.timeoutMs - ROUNDING_MS);
        expect(run.live.get(id)!.observation.kind).not.toBe('closing');
      }
    });
  });

  it('has everything due that it reads and that made none, until it is counted', () => {
    always((run, { due }) => {
      const overdue = [...run.live].filter(
        ([id, { observation }]) =>
          run.read.has(id) && observation.kind !== 'closing' && run.idleAtLeast(id) >= run.timeoutMs + ROUNDING_MS,
      );
      const expected = overdue.map(([id]) => id).filter((id) => !run.leaked.has(id));
      expect(ids(due)).toEqual(expect.arrayContaining(expected));
    });
  });

  it('accuses nobody in time in which the event loop was blocked', () => {
    fc.assert(
      fc.property(history, ({ timeoutMs, looks }) => {
        const run = new Run(timeoutMs);
        for (const look of looks) expect(run.take({ ...look, ableShare: 0 }).due).toEqual([]);
      }),
      RUNS,
    );
  });

  it('has nothing due that was counted, and each once', () => {
    always((run, { due }) => {
      for (const id of ids(due)) expect(run.leaked.has(id)).toBe(false);
      expect(new Set(ids(due)).size).toBe(due.length);
    });
  });

  it('ends exactly those that it knew and that are closed, and says which of them were leaks', () => {
    always((run, { ended }) => {
      expect(ids(ended)).toEqual(run.closed);
      for (const { id, leaked } of ended) {
        expect(leaked).toBe(run.leaked.has(id));
        expect(run.tracker.has(id)).toBe(false);
      }
    });
  });

  it('never lets an age shrink or fall below zero, and is never idle for longer than that', () => {
    always((run, { due, ended }) => {
      const views = [...run.live.keys()].map((id) => run.tracker.get(id)).filter((view) => view !== undefined);
      for (const { id, ageMs, idleMs } of [...views, ...due, ...ended]) {
        expect(idleMs).toBeGreaterThanOrEqual(0);
        expect(ageMs).toBeGreaterThanOrEqual(idleMs);
        expect(ageMs).toBeGreaterThanOrEqual(run.ages.get(id) ?? 0);
        run.ages.set(id, ageMs);
      }
    });
  });

  it('is silent about what it was told to forget, and knows it no more', () => {
    fc.assert(
      fc.property(history, ({ timeoutMs, looks }) => {
        const run = new Run(timeoutMs);
        for (const look of looks) run.take(look);
        const last = [...run.live.keys()];
        for (const id of last) run.tracker.forget(id);
        for (const id of last) expect([run.tracker.has(id), run.tracker.loopIdleMs(id)]).toEqual([false, 0]);
        expect(run.tracker.observe([], last, run.nowMs + 1, run.ableMs + timeoutMs)).toEqual({ due: [], ended: [] });
      }),
      RUNS,
    );
  });
});
