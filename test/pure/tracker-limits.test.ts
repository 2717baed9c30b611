import { describe, expect, it } from 'vitest';
import { LeakTracker } from '../../src/leaks/tracker.js';
import { ids, sighting, TIMEOUT, tracker } from '../support/sightings.js';

describe('maxReported', () => {
  const three = [1n, 2n, 3n].map((id) => sighting({ id }));

  it('withholds what is over it, and reports it when there is room', () => {
    const subject = tracker(2);
    subject.at(5_000, ...three);
    const full = subject.at(6_000, ...three);
    expect(ids(full.leaked)).toEqual([1n, 2n]);
    expect(full.withheld).toBe(1);
    expect(subject.at(6_100, ...three)).toMatchObject({ leaked: [], withheld: 1 });

    const room = subject.at(6_200, ...three.slice(1));
    expect(ids(room.released)).toEqual([1n]);
    expect(ids(room.leaked)).toEqual([3n]);
    expect(room.withheld).toBe(0);
  });

  it('counts no release for a withheld one', () => {
    const subject = tracker(2);
    subject.at(5_000, ...three);
    subject.at(6_000, ...three);
    const { ended, ...rest } = subject.at(6_100, ...three.slice(0, 2));
    expect(rest).toEqual({ leaked: [], released: [], withheld: 0 });
    expect(ids(ended)).toEqual([3n]);
  });

  it('has room again for what another one answers for', () => {
    const subject = tracker(1);
    subject.at(5_000, ...three);
    expect(ids(subject.at(6_000, ...three).leaked)).toEqual([1n]);
    subject.forget(1n);
    const next = subject.at(6_100, ...three.slice(1));
    expect(ids(next.leaked)).toEqual([2n]);
    expect(next.released).toEqual([]);
  });
});

describe('the last word of the caller', () => {
  it('is asked for each one that is due, again and again, until it agrees', () => {
    const subject = new LeakTracker(TIMEOUT, 10);
    const asked: bigint[] = [];
    const refuse = (id: bigint): boolean => {
      asked.push(id);
      return false;
    };
    const both = [sighting(), sighting({ id: 2n, lastAckAgeMs: 0 })];
    subject.observe([both[0]!], 5_000, 5_000, refuse);
    expect(asked).toEqual([]);
    expect(subject.observe(both, 6_000, 6_000, refuse).leaked).toEqual([]);
    expect(subject.observe(both, 6_100, 6_100, refuse).leaked).toEqual([]);
    expect(asked).toEqual([1n, 1n]);
    expect(ids(subject.observe(both, 6_200, 6_200).leaked)).toEqual([1n]);
  });
});
