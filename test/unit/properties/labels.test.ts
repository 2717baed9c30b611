import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageOf } from '../../../src/metrics/page.js';
import { propertyRuns } from '../../support/property-runs.js';

const RUNS = propertyRuns(1_000);

/** What a client or an application may have put there, with all that the format gives a meaning to. */
const hostile = fc.string({
  unit: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('\\', '"', '\n', 'n', '{', '}', ',', '=', '#', ' ', '\r', '\u2028', '\0') },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  ),
  maxLength: 30,
});

/** As https://prometheus.io/docs/instrumenting/exposition_formats/ says it: one line, of a name, its labels and a value. */
function readRow(row: string): { readonly labels: Readonly<Record<string, string>>; readonly value: string } {
  const labels: Record<string, string> = {};
  let at = row.indexOf('{') + 1;
  while (row[at] !== '}') {
    const [, name] = /^([a-z_]+)="/.exec(row.slice(at))!;
    at += name!.length + 2;
    let value = '';
    for (; row[at] !== '"'; at++) {
      if (at >= row.length) throw new Error(`a label of ${row} has no end`);
      if (row[at] !== '\\') value += row[at];
      else value += row[++at] === 'n' ? '\n' : row[at];
    }
    labels[name!] = value;
    at += row[at + 1] === ',' ? 2 : 1;
  }
  return { labels, value: row.slice(at + 2) };
}

describe('whatever stands in a label', () => {
  it('comes back as it was, and breaks no line of the page', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ route: hostile, method: hostile }), { maxLength: 4 }), hostile, (rows, help) => {
        const values = rows.map((labels, value) => ({ labels, value }));
        const page = pageOf([{ name: 'leaks', help, type: 'gauge', aggregator: 'sum', values }]);
        const lines = page.split('\n');
        expect(lines).toHaveLength(rows.length + 3);
        expect(lines[0]).toMatch(/^# HELP leaks /);
        expect(lines[1]).toBe('# TYPE leaks gauge');
        expect(lines.slice(2, -1).map(readRow)).toEqual(
          values.map(({ labels, value }) => ({ labels, value: `${value}` })),
        );
        expect(lines.at(-1)).toBe('');
      }),
      RUNS,
    );
  });
});
