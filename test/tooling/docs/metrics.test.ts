import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_OPEN_ROUTES, MAX_TOTAL_ROUTES } from '../../../src/guard/tallies.js';
import { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../../../src/metrics/families.js';
import { root } from '../../support/programs.js';

const page = readFileSync(path.join(root, 'docs/metrics.md'), 'utf8');

describe('docs/metrics.md', () => {
  it('has a row for each metric, with its type, its labels and how it adds up, and no other', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) ?\| .* \| (\w+) \|$/gm)];
    const documented = rows.map(([, name, type, labels, combine]) => ({ name, type, labels, combine }));
    const families = METRIC_FAMILIES.map(({ name, type, labelNames, combine }) => {
      return { name, type, labels: labelNames.join(', '), combine };
    });
    const histogram = { name: DURATION_HISTOGRAM.name, type: 'histogram', labels: '', combine: 'sum' };
    const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }): number =>
      String(a.name).localeCompare(String(b.name));
    expect(documented.sort(byName)).toEqual([...families, histogram].sort(byName));
  });

  it('has the numbers of the code', () => {
    expect(page).toContain(`at most ${MAX_OPEN_ROUTES} routes at a time`);
    expect(page).toContain(`At most ${MAX_TOTAL_ROUTES} routes`);
  });
});
