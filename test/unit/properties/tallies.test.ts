import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEAK_KINDS } from '../../../src/base/vocabulary.js';
import {
  LeakTallies,
  MAX_OPEN_ROUTES,
  MAX_TOTAL_ROUTES,
  OTHER_ROUTE,
  UNMATCHED_ROUTE,
  type LeakCount,
  type LeakLabels,
} from '../../../src/guard/tallies.js';
import { propertyRuns } from '../../support/property-runs.js';

const RUNS = { ...propertyRuns(100), endOnFailure: true };

/** More routes than have places, some of them asked for far more often than others. */
const route = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 400 }).map((n) => `/nonsense/${n}`) },
  { weight: 3, arbitrary: fc.nat({ max: 8 }).map((n) => `/route/${n}`) },
  { weight: 1, arbitrary: fc.constantFrom(undefined, UNMATCHED_ROUTE) },
);
const labels: fc.Arbitrary<LeakLabels> = fc.record({
  kind: fc.constantFrom(...LEAK_KINDS),
  cause: fc.constantFrom('never-read' as const, 'paused' as const),
  side: fc.constant('inbound' as const),
  route,
});
/** Leaks that are found; then how many of the open ones go, and whether the open ones are counted (a scrape). */
const step = fc.record({
  found: fc.array(labels, { maxLength: 90, size: 'max' }),
  ends: fc.nat({ max: 120 }),
  tells: fc.boolean(),
  scrape: fc.boolean(),
});

const isSpecial = (name: string): boolean => [OTHER_ROUTE, UNMATCHED_ROUTE, ''].includes(name);
const keyOf = ({ kind, cause, side, route: name }: LeakCount): string => `${kind} ${cause} ${side} ${name}`;
const routesOf = (counts: readonly LeakCount[]): Set<string> =>
  new Set(counts.map(({ route: name }) => name).filter((name) => !isSpecial(name)));

describe('open leaks and totals by label, over any history', () => {
  it('no total falls or goes away, sums are whole, names are few', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12, size: 'max' }), (steps) => {
        const tallies = new LeakTallies();
        const open: LeakLabels[] = [];
        const totals = new Map<string, number>();
        let found = 0;
        for (const { found: born, ends, tells, scrape } of steps) {
          for (const leak of born) {
            tallies.countLeak(leak);
            open.push(leak);
            found++;
          }
          for (const leak of open.splice(0, ends)) if (tells) tallies.countEnd(leak);
          if (scrape) tallies.setOpen(open);

          const counts = tallies.list();
          const now = new Map(counts.filter(({ total }) => total > 0).map((count) => [keyOf(count), count.total]));
          for (const [series, total] of totals) expect(now.get(series) ?? 0, series).toBeGreaterThanOrEqual(total);
          for (const [series, total] of now) totals.set(series, total);
          expect(counts.reduce((sum, { total }) => sum + total, 0)).toBe(found);
          expect(new Set(counts.map(keyOf)).size, 'each series once').toBe(counts.length);
          expect(routesOf(counts.filter(({ total }) => total > 0)).size).toBeLessThanOrEqual(MAX_TOTAL_ROUTES);
          expect(routesOf(counts.filter(({ capped }) => !capped)).size).toBeLessThanOrEqual(MAX_OPEN_ROUTES);
          expect(routesOf(counts).size).toBeLessThanOrEqual(MAX_TOTAL_ROUTES + MAX_OPEN_ROUTES);
          if (!scrape) continue;
          expect(counts.reduce((sum, count) => sum + count.open, 0)).toBe(open.length);
          for (const { capped, open: its } of counts) if (capped) expect(its).toBe(0);
          const leaking = new Set(open.map((leak) => leak.route ?? '').filter((name) => !isSpecial(name)));
          const named = routesOf(counts.filter((count) => count.open > 0));
          expect(named.size, 'no place stays empty while a route needs one').toBe(
            Math.min(leaking.size, MAX_OPEN_ROUTES),
          );
        }
      }),
      RUNS,
    );
  });

  it('a route with more than twice the open leaks of one with a place gets that place', () => {
    const leakOf = (name: string): LeakLabels => ({
      kind: 'close-wait',
      cause: 'never-read',
      side: 'inbound',
      route: name,
    });
    const tallies = new LeakTallies();
    const openOf = (name: string): number => {
      const own = tallies.list().filter(({ route: its, capped }) => its === name && !capped);
      return own.reduce((sum, { open }) => sum + open, 0);
    };
    const nonsense = Array.from({ length: 60 }, (_, i) => leakOf(`/nonsense${i}`));
    tallies.setOpen(nonsense);
    expect([openOf(OTHER_ROUTE), openOf('/checkout')]).toEqual([10, 0]);
    tallies.setOpen([...nonsense, ...Array.from({ length: 2 }, () => leakOf('/checkout'))]);
    expect([openOf(OTHER_ROUTE), openOf('/checkout')], 'no change for a little more').toEqual([12, 0]);
    tallies.setOpen([...nonsense, ...Array.from({ length: 3 }, () => leakOf('/checkout'))]);
    expect([openOf(OTHER_ROUTE), openOf('/checkout')]).toEqual([11, 3]);
  });
});
