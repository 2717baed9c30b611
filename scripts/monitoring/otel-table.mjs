import { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../../dist/metrics/families.js';
import { attributeOfLabel } from '../../dist/metrics/otel/attributes.js';
import { instrumentOf } from '../../dist/metrics/otel/instruments.js';

const code = (text) => `\`${text}\``;

/** The table of docs/otel.md. */
export function otelTable() {
  const families = METRIC_FAMILIES.map((family) => ({ ...family, instrument: instrumentOf(family) }));
  const rows = [...families, { ...DURATION_HISTOGRAM, instrument: 'histogram', labelNames: [] }].map(
    ({ name, otel, instrument, labelNames }) => {
      const constant = Object.entries(otel.attributes ?? {}).map(([key, value]) => code(`${key}=${value}`));
      const attributes = [...constant, ...labelNames.map((label) => code(attributeOfLabel(label)))].join(', ');
      return `| ${code(otel.name)} | ${instrument} | ${code(otel.unit)} | ${attributes} | ${code(name)} |`.replaceAll(
        '|  |',
        '| |',
      );
    },
  );
  return ['| instrument | kind | unit | attributes | in Prometheus |', '|---|---|---|---|---|', ...rows].join('\n');
}
