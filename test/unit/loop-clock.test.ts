import { describe, expect, it } from 'vitest';
import { LoopClock } from '../../src/leaks/loop-clock.js';

describe('time in which the event loop was able to act', () => {
  it('is all of it while the looks come on time', () => {
    const clock = new LoopClock(1_000, 0, 0);
    // A busy loop that never idles, and is at most half an interval and 50 ms late.
    expect([1_000, 2_000, 3_550].map((nowMs) => clock.advance(nowMs, 0))).toEqual([1_000, 2_000, 3_550]);
  });

  it('is only the idle time when a look comes late', () => {
    const clock = new LoopClock(1_000, 0, 0);
    clock.advance(1_000, 900);
    expect(clock.advance(6_000, 1_100)).toBe(1_200);
    expect(clock.advance(7_000, 1_100)).toBe(2_200);
  });

  it('is idle time alone when nobody looks but on demand', () => {
    const clock = new LoopClock(0, 0, 0);
    expect(clock.advance(60_000, 59_000)).toBe(59_000);
    expect(clock.advance(120_000, 59_000)).toBe(59_000);
    expect(clock.usableMs).toBe(59_000);
  });

  it('is all of it until a look that found nothing, and of what comes after it only what came on time', () => {
    const clock = new LoopClock(1_000, 0, 0);
    clock.advance(1_000, 900);
    expect(clock.skipTo(9_000)).toBe(9_000);
    expect(clock.skipTo(8_500)).toBe(9_000);
    expect(clock.usableMs).toBe(9_000);
    // On time, counted from the later of the two looks that were skipped to.
    expect(clock.advance(9_500, 8_000)).toBe(10_000);
  });

  it('is nothing behind such a look where the next one comes late: how long the loop was idle is not known', () => {
    const clock = new LoopClock(1_000, 0, 0);
    clock.skipTo(5_000);
    expect(clock.advance(75_000, 70_000)).toBe(5_000);
    expect(clock.advance(80_000, 72_000)).toBe(7_000);
  });

  it('is never more than the time that went by, and never shrinks', () => {
    const clock = new LoopClock(0, 1_000, 500);
    expect(clock.advance(2_000, 90_000)).toBe(1_000);
    expect(clock.advance(1_500, 90_000)).toBe(1_000);
    expect(clock.advance(2_500, 10)).toBe(1_000);
    expect(clock.advance(2_540, 20)).toBe(1_040);
  });
});
