import { describe, expect, it } from 'vitest';
import { departureTime, LeakTracker, type Sighting } from '../../src/leaks/tracker.js';
import { ids, QUIET, sighting, TIMEOUT, tracker } from '../support/sightings.js';

describe('a socket whose peer has left', () => {
  it('becomes a leak once, at the time-out and not before', () => {
    const subject = tracker();
    expect(subject.at(5_000, sighting()).leaked).toEqual([]);
    expect(subject.at(5_999, sighting()).leaked).toEqual([]);
    expect(subject.at(6_000, sighting()).leaked).toEqual([
      { id: 1n, kind: 'close-wait', ageMs: 1_000, idleMs: 1_000, reported: true },
    ]);
    expect(subject.at(60_000, sighting()).leaked).toEqual([]);
  });

  it('is released once, with its age, when it is closed after it leaked', () => {
    const subject = tracker();
    subject.at(5_000, sighting());
    subject.at(6_000, sighting());
    expect(subject.at(7_500).released).toMatchObject([{ id: 1n, kind: 'close-wait', ageMs: 2_500 }]);
    expect(subject.at(8_000).released).toEqual([]);
    expect(subject.has(1n)).toBe(false);
  });

  it('is not released when it was never a leak', () => {
    const subject = tracker();
    subject.at(5_000, sighting());
    const { released, ended } = subject.at(5_500);
    expect(released).toEqual([]);
    expect(ended, 'it counts as one that left').toMatchObject([{ id: 1n, ageMs: 500, reported: false }]);
  });

  it('is a new one after it was closed, even under the same id', () => {
    const subject = tracker();
    subject.at(5_000, sighting());
    subject.at(6_000, sighting());
    subject.at(6_100);
    expect(subject.at(7_000, sighting()).leaked).toEqual([]);
    expect(ids(subject.at(8_000, sighting()).leaked)).toEqual([1n]);
  });

  it('is a leak at first sight when its FIN is old enough', () => {
    const subject = tracker();
    subject.at(5_000);
    expect(subject.at(7_000, sighting({ lastAckAgeMs: 1_500 })).leaked).toMatchObject([{ ageMs: 1_500 }]);
  });

  it('is no leak at first sight for time in which nobody looked', () => {
    const subject = new LeakTracker(TIMEOUT, 10);
    subject.observe([], 5_000, 5_000);
    // Two seconds went by, but the loop could act in only 300 ms of them.
    const { leaked } = subject.observe([sighting({ lastAckAgeMs: 1_900 })], 7_000, 5_300);
    expect(leaked).toEqual([]);
    expect(subject.get(1n)).toMatchObject({ ageMs: 1_900 });
    expect(subject.observe([sighting()], 7_699, 5_999).leaked).toEqual([]);
    expect(ids(subject.observe([sighting()], 7_700, 6_000).leaked)).toEqual([1n]);
  });
});

describe('progress starts the wait anew', () => {
  it.each<[string, Partial<Sighting>]>([
    ['bytes were read from the kernel', { readBytes: 1 }],
    ['bytes were read from the streams', { bufferedBytes: 99 }],
    ['the peer acknowledged bytes', { ackedBytes: 1 }],
    ['the TCP state changed', { state: 7, kind: 'reset' }],
  ])('%s', (_name, change) => {
    const subject = tracker();
    subject.at(5_000, sighting());
    expect(subject.at(5_900, sighting(change)).leaked).toEqual([]);
    expect(subject.get(1n)).toMatchObject({ ageMs: 900, idleMs: 0 });
    expect(subject.at(6_899, sighting(change)).leaked).toEqual([]);
    expect(subject.at(6_900, sighting(change)).leaked).toMatchObject([{ ageMs: 1_900, idleMs: 1_000 }]);
  });

  it.each<[string, Partial<Sighting>]>([
    ['more bytes wait in the streams', { bufferedBytes: 101 }],
    ['another ACK came', { lastAckAgeMs: 0 }],
    ['nothing at all', {}],
  ])('not: %s', (_name, change) => {
    const subject = tracker();
    subject.at(5_000, sighting());
    subject.at(5_900, sighting(change));
    expect(ids(subject.at(6_000, sighting(change)).leaked)).toEqual([1n]);
  });

  it('does not take back a leak', () => {
    const subject = tracker();
    subject.at(5_000, sighting());
    subject.at(6_000, sighting());
    expect(subject.at(6_100, sighting({ readBytes: 50 }))).toEqual(QUIET);
    expect(subject.get(1n)).toMatchObject({ reported: true, idleMs: 0 });
  });
});

describe('a loop that cannot act', () => {
  it('accuses nobody', () => {
    const subject = new LeakTracker(TIMEOUT, 10);
    subject.observe([sighting()], 5_000, 5_000);
    expect(subject.observe([sighting()], 65_000, 5_010).leaked).toEqual([]);
    expect(subject.get(1n)).toMatchObject({ ageMs: 60_000 });
    expect(subject.observe([sighting()], 65_989, 5_999).leaked).toEqual([]);
    expect(ids(subject.observe([sighting()], 65_990, 6_000).leaked)).toEqual([1n]);
  });
});

describe('ages', () => {
  it('are never negative and never shrink, even when the clock or the kernel goes back', () => {
    const subject = tracker();
    subject.at(5_000, sighting({ lastAckAgeMs: -1 }));
    let last = 0;
    for (const nowMs of [5_100, 4_000, 5_050, 5_200, 100, 9_000]) {
      subject.at(nowMs, sighting({ lastAckAgeMs: 0, openAtMs: nowMs + 500 }));
      const { ageMs, idleMs } = subject.get(1n)!;
      expect(ageMs).toBeGreaterThanOrEqual(last);
      expect(idleMs).toBeGreaterThanOrEqual(0);
      expect(idleMs).toBeLessThanOrEqual(ageMs);
      last = ageMs;
    }
    expect(last).toBe(4_000);
  });

  it('count from the departure known at first sight: a later ACK does not make a leak younger', () => {
    const subject = tracker();
    subject.at(5_000);
    subject.at(5_500, sighting({ lastAckAgeMs: 400 }));
    subject.at(5_900, sighting({ lastAckAgeMs: 10 }));
    expect(subject.get(1n)).toMatchObject({ ageMs: 800 });
  });

  it.each<[string, Partial<Sighting>, number]>([
    ['the last ACK is the FIN', { lastAckAgeMs: 300 }, 9_700],
    ['it was seen open later than that', { lastAckAgeMs: 300, openAtMs: 9_900 }, 9_900],
    ['it was seen open long before that', { lastAckAgeMs: 300, openAtMs: 2_000 }, 9_700],
    ['it was seen open "after" now', { lastAckAgeMs: 300, openAtMs: 10_500 }, 10_000],
    ['the ACK is older than this clock', { lastAckAgeMs: 50_000 }, 0],
    ['the kernel does not tell', { lastAckAgeMs: -1 }, 10_000],
    ['a RST leaves no trace', { kind: 'reset', lastAckAgeMs: 300 }, 10_000],
    ['closing already', { kind: 'closing', lastAckAgeMs: 300 }, 9_700],
  ])('departure: %s', (_name, change, expected) => {
    expect(departureTime(sighting(change), 10_000)).toBe(expected);
  });
});

describe('a socket that the kernel is closing', () => {
  it('is tracked and is no leak', () => {
    const subject = tracker();
    subject.at(5_000, sighting({ kind: 'closing', state: 9 }));
    expect(subject.at(60_000, sighting({ kind: 'closing', state: 9 })).leaked).toEqual([]);
    expect(subject.has(1n)).toBe(true);
  });

  it('keeps the kind it was reported with until it is gone', () => {
    const subject = tracker();
    subject.at(5_000, sighting());
    subject.at(6_000, sighting());
    subject.at(6_100, sighting({ kind: 'closing', state: 9 }));
    expect(subject.get(1n)).toMatchObject({ kind: 'close-wait', reported: true });
    expect(subject.at(6_200).released).toMatchObject([{ id: 1n, kind: 'close-wait' }]);
  });
});

describe('a leak that turns from close-wait to reset', () => {
  it('stays one: no second leak, no release', () => {
    const subject = tracker();
    subject.at(5_000, sighting());
    subject.at(6_000, sighting());
    expect(subject.at(6_500, sighting({ kind: 'reset', state: 7 }))).toEqual(QUIET);
    expect(subject.at(9_000, sighting({ kind: 'reset', state: 7 }))).toEqual(QUIET);
    expect(subject.get(1n)).toMatchObject({ kind: 'reset', ageMs: 4_000, reported: true });
    expect(subject.at(9_500).released).toMatchObject([{ id: 1n, kind: 'reset' }]);
  });
});
