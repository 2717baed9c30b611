import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LoopClock } from '../../../src/leaks/loop-clock.js';
import { propertyRuns } from '../../support/property-runs.js';

const RUNS = propertyRuns(1_000);

const looks = fc.array(
  fc.record({ elapsedMs: fc.nat(10_000), idleShare: fc.double({ min: 0, max: 1, noNaN: true }) }),
  { minLength: 1, maxLength: 50 },
);

describe('however late looks come, the clock of the able event loop', () => {
  it('never goes back, and never runs faster than time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), looks, (intervalMs, all) => {
        const clock = new LoopClock(intervalMs, 0, 0);
        let now = 0;
        let idle = 0;
        for (const { elapsedMs, idleShare } of all) {
          const before = clock.usableMs;
          now += elapsedMs;
          idle += elapsedMs * idleShare;
          const able = clock.advance(now, idle);
          expect(able).toBe(clock.usableMs);
          expect(able).toBeGreaterThanOrEqual(before);
          expect(able - before).toBeLessThanOrEqual(elapsedMs + 1e-6);
        }
      }),
      RUNS,
    );
  });

  it('counts the idle time of a late look and no more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), looks, (intervalMs, all) => {
        const clock = new LoopClock(intervalMs, 0, 0);
        let now = 0;
        let idle = 0;
        for (const { elapsedMs, idleShare } of all) {
          // Beyond any lateness that a busy loop shows.
          const late = intervalMs * 2 + 1_000 + elapsedMs;
          const before = clock.usableMs;
          now += late;
          idle += late * idleShare;
          expect(clock.advance(now, idle) - before).toBeCloseTo(late * idleShare, 3);
        }
      }),
      RUNS,
    );
  });
});
