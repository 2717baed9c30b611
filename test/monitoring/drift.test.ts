import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { alerts, recordings } from '../../scripts/monitoring/alerts.mjs';
import { queries } from '../../scripts/monitoring/dashboard.mjs';
import { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../../src/metrics/families.js';
import { root } from '../support/programs.js';

it('rules, dashboard and the table of metrics are what their description makes', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/monitoring/generate.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('no alert, recording rule or panel asks for a metric that there is none of, and no metric is left out of all of them', () => {
  const names = [...METRIC_FAMILIES.map(({ name }) => name), DURATION_HISTOGRAM.name];
  const exprs = [...alerts, ...recordings, ...queries()].map(({ expr }) => expr).join('\n');
  const recorded = new Set(recordings.map(({ record }) => record));
  const asked = [...exprs.matchAll(/(?<![:\w])(?:instance:|job:)?(?:close_wait|tcp)_\w+(?::\w+)?/g)].map(
    ([name]) => name,
  );
  const unknown = asked.filter(
    (name) => !recorded.has(name) && !names.includes(name.replace(/_(?:bucket|sum|count)$/, '')),
  );
  expect(unknown).toEqual([]);
  expect(names.filter((name) => !exprs.includes(name))).toEqual([]);
});

it('each alert has a section of the runbook, with its four parts, and no section is left over', () => {
  const runbook = readFileSync(path.join(root, 'docs/runbook.md'), 'utf8');
  const sections = runbook.split(/^## /m).slice(1);
  const ofAlerts = sections.filter((section) => section.startsWith('CloseWait'));
  expect(ofAlerts.map((section) => section.split('\n', 1)[0])).toEqual(alerts.map(({ name }) => name));
  for (const section of ofAlerts)
    for (const part of ['Meaning', 'Impact', 'Diagnosis', 'Mitigation']) expect(section).toContain(`\n**${part}**:`);
});
