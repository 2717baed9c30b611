import { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../../dist/metrics/families.js';

const histogram = { ...DURATION_HISTOGRAM, type: 'histogram', labelNames: [], combine: 'sum' };

/** The table of docs/metrics.md. */
export function metricsTable() {
  const rows = [...METRIC_FAMILIES, histogram].map(({ name, type, labelNames, help, combine }) =>
    `| \`${name}\` | ${type} | ${labelNames.join(', ')} | ${help} | ${combine} |`.replaceAll('|  |', '| |'),
  );
  return ['| metric | type | labels | meaning | several guards or workers |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}
