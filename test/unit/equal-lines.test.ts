import { afterEach, describe, expect, it, vi } from 'vitest';
import { EqualLines, type EqualLinesOptions, type Gathered } from '../../src/guard/equal-lines.js';
import { leakLine } from '../../src/guard/leak-line.js';
import type { LeakReport } from '../../src/leaks/report.js';

const MINUTE = 60_000;

/** The clock, and the one timer that may be set. */
const clock = vi.hoisted(() => ({
  nowMs: 0,
  timer: undefined as { readonly callback: () => void; readonly atMs: number } | undefined,
  /** Turns it to a moment, and lets the timers that are due by then fire. */
  turnTo(ms: number): void {
    while (clock.timer && clock.timer.atMs <= ms) {
      const { callback, atMs } = clock.timer;
      clock.timer = undefined;
      clock.nowMs = atMs;
      callback();
    }
    clock.nowMs = ms;
  },
}));
vi.mock('../../src/base/clock.js', () => ({ monotonicMs: () => clock.nowMs }));
vi.mock('node:timers', () => ({
  setTimeout: (callback: () => void, ms: number) => {
    const timer = { callback, atMs: clock.nowMs + ms, unref: () => timer };
    return (clock.timer = timer);
  },
  clearTimeout: () => (clock.timer = undefined),
}));

function leak(fingerprint: string, count: number, id = count): LeakReport {
  return { id: String(id), fingerprint, count, explanation: `What happened to ${id}.`, fix: 'Do.' } as LeakReport;
}

describe('equal leaks', () => {
  const open: EqualLines[] = [];
  afterEach(() => {
    for (const lines of open.splice(0)) lines.flush();
    clock.turnTo(0);
    expect(process.listeners('exit').map(({ name }) => name)).not.toContain('endAll');
  });

  function gathering(options: Partial<EqualLinesOptions> = {}): { lines: EqualLines; written: string[] } {
    const written: string[] = [];
    const write = (what: Gathered): void => void written.push(leakLine(what));
    const lines = new EqualLines({ write, ...options });
    open.push(lines);
    return { lines, written };
  }

  it('are one line at once, and one a minute with the number of those that followed', () => {
    const { lines, written } = gathering();
    for (let count = 1; count <= 500; count++) lines.add('leak', leak('a', count));
    expect(written).toEqual(['Leaked socket: What happened to 1. Fix: Do.']);
    clock.turnTo(MINUTE - 1);
    expect(written).toHaveLength(1);
    clock.turnTo(MINUTE);
    expect(written.slice(1)).toEqual([
      'Leaked socket: 499 more of the same (500 open now); the last one: What happened to 500.',
    ]);
    expect(clock.timer, 'nothing to write').toBeUndefined();
    lines.add('leak', leak('a', 501));
    clock.turnTo(2 * MINUTE - 1);
    expect(written, 'one a minute').toHaveLength(2);
    clock.turnTo(2 * MINUTE);
    expect(written[2]).toBe('Leaked socket: 1 more of the same (501 open now); the last one: What happened to 501.');
  });

  it('are a first one again after a minute in which there was none', () => {
    const { lines, written } = gathering();
    lines.add('leak', leak('a', 1));
    clock.turnTo(MINUTE);
    lines.add('leak', leak('a', 1, 2));
    expect(written).toEqual([
      'Leaked socket: What happened to 1. Fix: Do.',
      'Leaked socket: What happened to 2. Fix: Do.',
    ]);
  });

  it('are told apart by fingerprint and by event', () => {
    const { lines, written } = gathering();
    lines.add('leak', leak('a', 1));
    lines.add('leak', leak('b', 1, 2));
    lines.add('released', leak('a', 0, 1));
    lines.add('reclaimed', leak('b', 0, 2));
    expect(written).toEqual([
      'Leaked socket: What happened to 1. Fix: Do.',
      'Leaked socket: What happened to 2. Fix: Do.',
      'Leaked socket was closed: What happened to 1.',
      'Leaked socket was reclaimed: What happened to 2.',
    ]);
  });

  it('that are left are written at the end, with how many are open by then', () => {
    const { lines, written } = gathering();
    for (const count of [1, 2, 3]) lines.add('leak', leak('a', count));
    lines.noteOpen(leak('a', 1));
    lines.flush();
    expect(written[1]).toBe('Leaked socket: 2 more of the same (1 open now); the last one: What happened to 3.');
    lines.flush();
    expect(written).toHaveLength(2);
  });

  it('hook the exit of the process while there is something to write, and only once for all', () => {
    const hooked = (): number => process.listeners('exit').filter(({ name }) => name === 'endAll').length;
    const [one, other] = [gathering(), gathering()];
    one.lines.add('leak', leak('a', 1));
    expect(hooked()).toBe(0);
    one.lines.add('leak', leak('a', 2));
    other.lines.add('leak', leak('a', 1));
    other.lines.add('leak', leak('a', 2));
    expect(hooked()).toBe(1);
    one.lines.flush();
    expect(hooked()).toBe(1);
    other.lines.flush();
    expect(hooked()).toBe(0);
  });

  it('of more kinds than are remembered share one line', () => {
    const { lines, written } = gathering({ remembered: 10 });
    for (let i = 0; i < 5_000; i++) lines.add('leak', leak(`f${i}`, 1, i));
    expect(written).toHaveLength(10);
    lines.flush();
    expect(written.slice(10)).toEqual([
      'Leaked socket: 4,990 more of too many kinds for a line each; the last one: What happened to 4999.',
    ]);
  });
});
