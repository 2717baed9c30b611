import { describe, expect, it } from 'vitest';
import { trend } from '../../scripts/proof/soak/trend.mjs';

/** The same noise in every run, from -0.5 to 0.5. */
function noise(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647 - 0.5;
  };
}

const points = (count: number, valueOf: (x: number) => number): [number, number][] =>
  Array.from({ length: count }, (_, x) => [x, valueOf(x)]);

describe('the slope of what the soak measures', () => {
  it('is exact where every point is on the line', () => {
    const { slope, lowest, highest } = trend(points(10, (x) => 7 + 3 * x));
    for (const value of [slope, lowest, highest]) expect(value).toBeCloseTo(3);
  });

  it('is not told from 0 in noise, and is where there is one', () => {
    const flat = noise();
    const still = trend(points(60, () => 1_000 * flat()));
    expect(still.lowest).toBeLessThan(0);
    expect(still.highest).toBeGreaterThan(0);
    const rising = noise();
    expect(trend(points(60, (x) => 20 * x + 1_000 * rising())).lowest).toBeGreaterThan(0);
  });

  it('is less sure of points that drift together', () => {
    const step = noise();
    let drift = 0;
    const drifting = trend(points(60, () => (drift += step())));
    expect(drifting.lowest).toBeLessThan(0);
    expect(drifting.highest).toBeGreaterThan(0);
  });
});
