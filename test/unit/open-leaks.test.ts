import { describe, expect, it } from 'vitest';
import { MAX_OPEN_SERIES, OpenLeaks, type OpenLabels } from '../../src/guard/open-leaks.js';

const leakOf = (labels: Partial<OpenLabels>): OpenLabels => ({
  ...{
    kind: 'close-wait',
    cause: 'never-read',
    side: 'inbound',
    route: '/',
    method: 'GET',
    server: 'shop',
    host: undefined,
  },
  ...labels,
});

describe('open leaks under more labels than there are series for', () => {
  const leaks = new OpenLeaks();
  for (let i = 0; i < 2 * MAX_OPEN_SERIES; i++) {
    leaks.move(undefined, leakOf({ side: 'outbound', host: `host${i}`, cause: i % 2 ? 'paused' : 'never-read' }));
  }
  for (let i = 0; i < 3; i++) leaks.move(undefined, leakOf({ route: '/checkout' }));
  const counts = leaks.list((route) => route);

  it('are all counted, in no more series than that', () => {
    expect(counts.length).toBeLessThanOrEqual(MAX_OPEN_SERIES);
    expect(counts.length).toBeGreaterThan(MAX_OPEN_SERIES - 5);
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(2 * MAX_OPEN_SERIES + 3);
  });

  it('keep their labels where there are most of them; the rest has kind, cause and side', () => {
    expect(counts).toContainEqual(expect.objectContaining({ route: '/checkout', count: 3 }));
    const others = counts.filter(({ destination }) => destination === 'other');
    expect(others.map(({ cause, side, route, method, server }) => [cause, side, route, method, server])).toEqual(
      expect.arrayContaining([
        ['never-read', 'outbound', 'other', 'other', 'other'],
        ['paused', 'outbound', 'other', 'other', 'other'],
      ]),
    );
  });
});

describe('an open leak', () => {
  it('counts under its kind of now, and nowhere when it has ended', () => {
    const leaks = new OpenLeaks();
    const first = leaks.move(undefined, leakOf({}));
    const second = leaks.move(first, leakOf({ kind: 'reset' }));
    expect(leaks.list((route) => route)).toMatchObject([{ kind: 'reset', method: 'GET', server: 'shop', count: 1 }]);
    leaks.move(second, undefined);
    expect(leaks.list((route) => route)).toEqual([]);
  });
});
