import { describe, expect, it } from 'vitest';
import { distance, nearestOf } from '../../src/base/nearest.js';

describe('the nearest known name', () => {
  it.each([
    ['pen', 'pen', 0],
    ['pen', 'pens', 1],
    ['post', 'psot', 1],
    ['post', 'pots', 1],
    ['get', 'put', 2],
    ['', 'abc', 3],
  ])('%s and %s are %i letters apart', (a, b, letters) => {
    expect(distance(a, b)).toBe(letters);
    expect(distance(b, a)).toBe(letters);
  });

  it.each([
    ['deadlineMS', 'deadlineMs'],
    ['afterByte', 'afterBytes'],
    ['dedlineMs', 'deadlineMs'],
    ['How', 'how'],
    ['ta', undefined],
    ['timeout', undefined],
    ['x'.repeat(1_000_000), undefined],
  ])('of %s', (written, meant) => {
    expect(nearestOf(written, ['at', 'how', 'afterBytes', 'readsOn', 'deadlineMs'])).toBe(meant);
  });
});
