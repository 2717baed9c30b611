import { describe, expect, it } from 'vitest';
import { halfCloseTime } from '../../src/leaks/tracker.js';
import {
  ids,
  observation,
  QUIET,
  SampledSockets,
  TIMEOUT,
  TrackedSockets,
  type Observation,
} from '../support/tracked-sockets.js';

describe('a socket whose peer has left', () => {
  it('becomes a leak once, at the time-out and not before', () => {
    const subject = new SampledSockets();
    expect(subject.at(5_000, observation()).due).toEqual([]);
    expect(subject.at(5_999, observation()).due).toEqual([]);
    expect(subject.at(6_000, observation()).due).toEqual([
      { id: 1n, kind: 'close-wait', ageMs: 1_000, idleMs: 1_000, leaked: false },
    ]);
    expect(subject.at(60_000, observation()).due).toEqual([]);
  });

  it('has ended once, with its age, when it is closed after it leaked', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    subject.at(6_000, observation());
    expect(subject.at(7_500).ended).toMatchObject([{ id: 1n, kind: 'close-wait', ageMs: 2_500 }]);
    expect(subject.at(8_000).ended).toEqual([]);
    expect(subject.has(1n)).toBe(false);
  });

  it('has ended as one that was no leak when it never was', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    expect(subject.at(5_500).ended).toMatchObject([{ id: 1n, ageMs: 500, leaked: false }]);
  });

  it('is a new one after it was closed, even under the same id', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    subject.at(6_000, observation());
    subject.at(6_100);
    expect(subject.at(7_000, observation()).due).toEqual([]);
    expect(ids(subject.at(8_000, observation()).due)).toEqual([1n]);
  });

  it('is a leak at first sight when its FIN is old enough', () => {
    const subject = new SampledSockets();
    subject.at(5_000);
    expect(subject.at(7_000, observation({ lastAckAgeMs: 1_500 })).due).toMatchObject([{ ageMs: 1_500 }]);
  });

  it('is no leak at first sight for time in which nobody looked', () => {
    const subject = new TrackedSockets(TIMEOUT);
    subject.observe([], [], 5_000, 5_000);
    // Two seconds went by, but the loop could act in only 300 ms of them.
    const { due } = subject.observe([observation({ lastAckAgeMs: 1_900 })], [], 7_000, 5_300);
    expect(due).toEqual([]);
    expect(subject.get(1n)).toMatchObject({ ageMs: 1_900 });
    expect(subject.observe([observation()], [], 7_699, 5_999).due).toEqual([]);
    expect(ids(subject.observe([observation()], [], 7_700, 6_000).due)).toEqual([1n]);
  });
});

describe('time-outs that differ', () => {
  function tracked(): { sockets: TrackedSockets; asked: bigint[]; own: Map<bigint, number> } {
    const own = new Map([
      [1n, 500],
      [2n, 2_000],
    ]);
    const asked: bigint[] = [];
    const of = ({ id }: { readonly id: bigint }): number => {
      asked.push(id);
      return own.get(id) ?? TIMEOUT;
    };
    return { sockets: new TrackedSockets({ leastMs: 500, of }), asked, own };
  }
  const three = (change: Partial<Observation> = {}): Observation[] =>
    [1n, 2n, 3n].map((id) => observation({ id, ...change }));

  it('are each kept', () => {
    const { sockets } = tracked();
    const dueAt = (ms: number): bigint[] => {
      const due = ids(sockets.observe(three(), [], ms, ms).due);
      for (const id of due) sockets.markLeaked(id);
      return due;
    };
    expect([5_000, 5_499, 5_500, 5_999, 6_000, 6_999, 7_000].map(dueAt)).toEqual([[], [], [1n], [], [3n], [], [2n]]);
  });

  it('are asked for once, of who is idle for the shortest, and again after progress', () => {
    const { sockets, asked, own } = tracked();
    sockets.observe(three(), [], 5_000, 5_000);
    sockets.observe(three(), [], 5_400, 5_400);
    expect(asked).toEqual([]);
    sockets.observe(three(), [], 5_500, 5_500);
    sockets.observe(three(), [], 5_600, 5_600);
    expect(asked).toEqual([1n, 2n, 3n]);
    sockets.observe(three({ readBytes: 1 }), [], 5_700, 5_700);
    own.set(2n, 600);
    expect(ids(sockets.observe(three({ readBytes: 1 }), [], 6_300, 6_300).due)).toEqual([1n, 2n]);
  });

  it('count from the last progress, not from when they were asked for', () => {
    const { sockets } = tracked();
    sockets.observe(three(), [], 5_000, 5_000);
    expect(ids(sockets.observe(three(), [], 9_000, 9_000).due)).toEqual([1n, 2n, 3n]);
  });
});

/** It is piped to something. */
const PIPED = { pipedBytes: 50, drainedBytes: 10 };

describe('progress starts the wait anew', () => {
  it.each<[string, Partial<Observation>]>([
    ['bytes were read from the kernel', { readBytes: 1 }],
    ['bytes were read from the streams', { bufferedBytes: 99 }],
    ['the peer acknowledged bytes', { ackedBytes: 1 }],
    ['bytes were read behind a pipe', { pipedBytes: 49 }],
    ['the peer of what it is piped to acknowledged bytes', { drainedBytes: 11 }],
    ['the TCP state changed', { state: 7, kind: 'reset' }],
  ])('%s', (_name, change) => {
    const subject = new SampledSockets();
    subject.at(5_000, observation(PIPED));
    expect(subject.at(5_900, observation({ ...PIPED, ...change })).due).toEqual([]);
    expect(subject.get(1n)).toMatchObject({ ageMs: 900, idleMs: 0 });
    expect(subject.at(6_899, observation({ ...PIPED, ...change })).due).toEqual([]);
    expect(subject.at(6_900, observation({ ...PIPED, ...change })).due).toMatchObject([
      { ageMs: 1_900, idleMs: 1_000 },
    ]);
  });

  it.each<[string, Partial<Observation>]>([
    ['more bytes wait in the streams', { bufferedBytes: 101 }],
    ['another ACK came', { lastAckAgeMs: 0 }],
    ['it is piped to something, which has got bytes before', { pipedBytes: 5, drainedBytes: 5 }],
    ['nothing at all', {}],
  ])('not: %s', (_name, change) => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    subject.at(5_900, observation(change));
    expect(ids(subject.at(6_000, observation(change)).due)).toEqual([1n]);
  });

  it('does not take back a leak', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    subject.at(6_000, observation());
    expect(subject.at(6_100, observation({ readBytes: 50 }))).toEqual(QUIET);
    expect(subject.get(1n)).toMatchObject({ leaked: true, idleMs: 0 });
  });
});

describe('a loop that cannot act', () => {
  it('accuses nobody', () => {
    const subject = new TrackedSockets(TIMEOUT);
    subject.observe([observation()], [], 5_000, 5_000);
    expect(subject.observe([observation()], [], 65_000, 5_010).due).toEqual([]);
    expect(subject.get(1n)).toMatchObject({ ageMs: 60_000 });
    expect(subject.observe([observation()], [], 65_989, 5_999).due).toEqual([]);
    expect(ids(subject.observe([observation()], [], 65_990, 6_000).due)).toEqual([1n]);
  });
});

describe('ages', () => {
  it('are never negative and never shrink, even when the clock or the kernel goes back', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation({ lastAckAgeMs: -1 }));
    let last = 0;
    for (const nowMs of [5_100, 4_000, 5_050, 5_200, 100, 9_000]) {
      subject.at(nowMs, observation({ lastAckAgeMs: 0, openAtMs: nowMs + 500 }));
      const { ageMs, idleMs } = subject.get(1n)!;
      expect(ageMs).toBeGreaterThanOrEqual(last);
      expect(idleMs).toBeGreaterThanOrEqual(0);
      expect(idleMs).toBeLessThanOrEqual(ageMs);
      last = ageMs;
    }
    expect(last).toBe(4_000);
  });

  it('count from the departure known at first sight: a later ACK does not make a leak younger', () => {
    const subject = new SampledSockets();
    subject.at(5_000);
    subject.at(5_500, observation({ lastAckAgeMs: 400 }));
    subject.at(5_900, observation({ lastAckAgeMs: 10 }));
    expect(subject.get(1n)).toMatchObject({ ageMs: 800 });
  });

  it.each<[string, Partial<Observation>, number]>([
    ['the last ACK is the FIN', { lastAckAgeMs: 300 }, 9_700],
    ['it was seen open later than that', { lastAckAgeMs: 300, openAtMs: 9_900 }, 9_900],
    ['it was seen open long before that', { lastAckAgeMs: 300, openAtMs: 2_000 }, 9_700],
    ['it was seen open "after" now', { lastAckAgeMs: 300, openAtMs: 10_500 }, 10_000],
    ['the ACK is older than this clock', { lastAckAgeMs: 50_000 }, 0],
    ['the kernel does not tell', { lastAckAgeMs: -1 }, 10_000],
    ['a RST leaves no trace', { kind: 'reset', lastAckAgeMs: 300 }, 10_000],
    ['closing already', { kind: 'closing', lastAckAgeMs: 300 }, 9_700],
  ])('departure: %s', (_name, change, expected) => {
    expect(halfCloseTime(observation(change), 10_000)).toBe(expected);
  });
});

describe('a socket that the kernel is closing', () => {
  it('is tracked and is no leak', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation({ kind: 'closing', state: 9 }));
    expect(subject.at(60_000, observation({ kind: 'closing', state: 9 })).due).toEqual([]);
    expect(subject.has(1n)).toBe(true);
  });

  it('keeps the kind it was reported with until it is gone', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    subject.at(6_000, observation());
    subject.at(6_100, observation({ kind: 'closing', state: 9 }));
    expect(subject.get(1n)).toMatchObject({ kind: 'close-wait', leaked: true });
    expect(subject.at(6_200).ended).toMatchObject([{ id: 1n, kind: 'close-wait' }]);
  });
});

describe('a leak that turns from close-wait to reset', () => {
  it('stays one: it is not due again, and has not ended', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    subject.at(6_000, observation());
    expect(subject.at(6_500, observation({ kind: 'reset', state: 7 }))).toEqual(QUIET);
    expect(subject.at(9_000, observation({ kind: 'reset', state: 7 }))).toEqual(QUIET);
    expect(subject.get(1n)).toMatchObject({ kind: 'reset', ageMs: 4_000, leaked: true });
    expect(subject.at(9_500).ended).toMatchObject([{ id: 1n, kind: 'reset' }]);
  });
});

describe('a sample that reads some of the sockets', () => {
  const one = observation();
  const other = observation({ id: 2n });

  it('accuses none of the others, for which time passes too', () => {
    const subject = new TrackedSockets(TIMEOUT);
    subject.observe([one, other], [], 5_000, 5_000);
    expect(ids(subject.observe([one], [], 6_000, 6_000).due)).toEqual([1n]);
    expect(subject.get(2n)).toMatchObject({ ageMs: 1_000, idleMs: 1_000 });
    expect(ids(subject.observe([other], [], 6_100, 6_100).due)).toEqual([2n]);
  });

  it('finds progress that was made at any time since it was last read', () => {
    const subject = new TrackedSockets(TIMEOUT);
    subject.observe([one, other], [], 5_000, 5_000);
    for (let ms = 5_100; ms < 5_900; ms += 100) subject.observe([one], [], ms, ms);
    expect(ids(subject.observe([observation({ id: 2n, readBytes: 1 })], [], 5_900, 5_900).due)).toEqual([]);
    expect(subject.get(2n)).toMatchObject({ idleMs: 0 });
  });
});

describe('what was counted as a leak', () => {
  it('is not due again; what was not, is due in each sample that reads it', () => {
    const subject = new TrackedSockets(TIMEOUT);
    subject.observe([observation()], [], 5_000, 5_000);
    expect(ids(subject.observe([observation()], [], 6_000, 6_000).due)).toEqual([1n]);
    expect(ids(subject.observe([observation()], [], 6_100, 6_100).due)).toEqual([1n]);
    subject.markLeaked(1n);
    expect(subject.observe([observation()], [], 6_200, 6_200).due).toEqual([]);
    expect(subject.observe([], [1n], 6_300, 6_300).ended).toMatchObject([{ id: 1n, leaked: true }]);
  });

  it('is a stranger again when it was forgotten', () => {
    const subject = new SampledSockets();
    subject.at(5_000, observation());
    subject.at(6_000, observation());
    subject.forget(1n);
    expect(subject.at(6_100).ended).toEqual([]);
    expect(subject.at(6_200, observation()).due).toEqual([]);
    expect(ids(subject.at(7_200, observation()).due)).toEqual([1n]);
  });
});
