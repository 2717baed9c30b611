import { describe, expect, it } from 'vitest';
import { median, medianInterval, quantile, shuffled } from '../../../bench/stats.mjs';

const oneTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('quantile', () => {
  it.each([
    [[7], 0.5, 7],
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[10, 20], 0.25, 12.5],
    [oneTo(101), 0.99, 100],
    [oneTo(5), 0, 1],
    [oneTo(5), 1, 5],
  ])('of %j at %d is %d', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });

  it('sorts by number, not by text, and leaves its argument alone', () => {
    const values = [10, 9, 100];
    expect(median(values)).toBe(10);
    expect(values).toEqual([10, 9, 100]);
  });

  it('of nothing is an error', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => medianInterval([])).toThrow(RangeError);
  });
});

/** Ranks and coverage of the sign test's interval, from tables of the binomial distribution with p = 1/2. */
describe('medianInterval', () => {
  it.each([
    [6, 1, 6, 0.96875],
    [8, 1, 8, 0.9921875],
    [10, 2, 9, 0.978515625],
    [15, 4, 12, 0.96484375],
    [20, 6, 15, 0.9586105],
    [25, 8, 18, 0.9567147],
    [50, 18, 33, 0.9671607],
  ])('of %d values lies between the %d. and the %d. of them, with %d', (n, low, high, coverage) => {
    const interval = medianInterval(shuffled(oneTo(n)));
    expect(interval).toMatchObject({ low, high });
    expect(interval.coverage).toBeCloseTo(coverage, 6);
  });

  it('with too few values is their range, and says how little that is worth', () => {
    expect(medianInterval([5])).toEqual({ low: 5, high: 5, coverage: 0 });
    expect(medianInterval([1, 2, 3])).toEqual({ low: 1, high: 3, coverage: 0.75 });
  });

  it('is wider for more confidence', () => {
    expect(medianInterval(oneTo(20), 0.99)).toMatchObject({ low: 4, high: 17 });
  });
});

describe('shuffled', () => {
  it('has the same values, in an order that the random numbers give', () => {
    expect(shuffled(oneTo(50)).sort((a, b) => a - b)).toEqual(oneTo(50));
    expect(shuffled([1, 2, 3, 4], () => 0)).toEqual([2, 3, 4, 1]);
  });
});
