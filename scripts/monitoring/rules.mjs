import { alerts, recordings } from './alerts.mjs';

const RUNBOOK = 'https://github.com/close-wait-guard/close-wait-guard/blob/main/docs/runbook.md';

/** monitoring/rules.yml. A string of JSON is one of YAML too. */
export function rulesYaml() {
  const lines = [
    '# Alerts and recording rules for close-wait-guard. Made by `npm run monitoring` from scripts/monitoring/: change it there.',
    'groups:',
    // One group: its rules are evaluated in their order, so that alerts see what was recorded in the same round.
    '  - name: close-wait-guard',
    '    rules:',
    ...recordings.flatMap(({ record, expr }) => [`      - record: ${record}`, `        expr: ${JSON.stringify(expr)}`]),
    ...alerts.flatMap(({ name, expr, for: duration, severity, summary, description }) => [
      `      - alert: ${name}`,
      `        expr: ${JSON.stringify(expr)}`,
      `        for: ${duration}`,
      '        labels:',
      `          severity: ${severity}`,
      '        annotations:',
      `          summary: ${JSON.stringify(summary)}`,
      `          description: ${JSON.stringify(description)}`,
      `          runbook_url: ${RUNBOOK}#${name.toLowerCase()}`,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
