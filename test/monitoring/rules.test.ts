import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alerts } from '../../scripts/monitoring/alerts.mjs';
import { FIXES } from '../../scripts/monitoring/fixes.mjs';
import { LEAK_CAUSES } from '../../src/base/vocabulary.js';
import { root } from '../support/programs.js';

const rules = path.join(root, 'monitoring/rules.yml');
const found = spawnSync('promtool', ['--version']).error === undefined;
const missing = 'promtool is not installed: scripts/install-test-tools.sh';

/** An alert, the series that it is to fire on, and what it then says. */
interface Case {
  readonly alert: string;
  /** In promtool's notation, a value a minute: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/ */
  readonly series: Readonly<Record<string, string>>;
  readonly quietAt: string;
  readonly firesAt: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly description: string;
}

const PROCESS = { job: 'shop', instance: 'shop-1:3000' };
const of = (labels: string): string => `job="shop",instance="shop-1:3000"${labels && `,${labels}`}`;
const ITEMS =
  'kind="close-wait",cause="request-body-not-read",side="inbound",route="/items/:id",method="POST",server="http:3000"';

const cases: readonly Case[] = [
  {
    alert: 'CloseWaitLeak',
    series: {
      [`close_wait_leaked_sockets{${of(ITEMS)}}`]: '3x20',
      [`close_wait_leaked_sockets{${of('kind="reset"')}}`]: '0x20',
    },
    quietAt: '4m',
    firesAt: '6m',
    labels: {
      ...{ kind: 'close-wait', cause: 'request-body-not-read', side: 'inbound' },
      ...{ route: '/items/:id', method: 'POST', server: 'http:3000' },
    },
    description:
      'shop-1:3000 leaks sockets: 3 x request-body-not-read, POST /items/:id, server http:3000 (inbound, close-wait). Fix: read the request body or answer with connection: close on every path.',
  },
  {
    alert: 'CloseWaitLeakGrowing',
    series: { [`close_wait_leaked_sockets{${of('kind="close-wait",cause="paused"')}}`]: '0+1x120' },
    quietAt: '10m',
    firesAt: '60m',
    description: '60 leaked sockets on shop-1:3000, and over 10 more an hour. CloseWaitLeak names routes and causes.',
  },
  {
    alert: 'CloseWaitFdExhaustionIn24Hours',
    series: {
      [`close_wait_open_fds{${of('')}}`]: '4500+5x600',
      [`close_wait_max_fds{${of('')}}`]: '10000x600',
      [`close_wait_leaked_sockets{${of(ITEMS)}}`]: '9x600',
    },
    quietAt: '20m',
    firesAt: '120m',
    description:
      'At the pace of the last 6 hours shop-1:3000 has none left in 24 hours, and sockets leak there. CloseWaitLeak names routes and causes.',
  },
  {
    alert: 'CloseWaitFdExhaustionIn4Hours',
    series: {
      [`close_wait_open_fds{${of('')}}`]: '6500+30x100',
      [`close_wait_max_fds{${of('')}}`]: '10000x100',
      [`close_wait_leaked_sockets{${of(ITEMS)}}`]: '9x100',
    },
    quietAt: '5m',
    firesAt: '20m',
    description:
      'At the pace of the last hour shop-1:3000 has none left in 4 hours, and sockets leak there. A restart frees them: take the reports first. CloseWaitLeak names routes and causes.',
  },
  {
    alert: 'CloseWaitPortCollision',
    series: { [`close_wait_port_collision_ratio{${of('')}}`]: '0.025x20' },
    quietAt: '4m',
    firesAt: '6m',
    description:
      '2.5% of the port pairs that the next connection of one peer of shop-1:3000 may choose are held by leaks: it is reset, or hangs.',
  },
  {
    alert: 'CloseWaitAcceptQueueFull',
    series: {
      [`tcp_accept_queue_sockets{${of('server="http:3000"')}}`]: '512x20',
      [`tcp_accept_queue_limit{${of('server="http:3000"')}}`]: '511x20',
    },
    quietAt: '1m',
    firesAt: '3m',
    labels: { server: 'http:3000' },
    description:
      '512 connections wait to be accepted by http:3000 on shop-1:3000. The kernel refuses what does not fit.',
  },
  {
    alert: 'CloseWaitListenOverflow',
    series: { [`tcp_listen_overflows_total{${of('')}}`]: '7+2x20' },
    quietAt: '4m',
    firesAt: '12m',
    description: '10 in 5 minutes in the network namespace of shop-1:3000: of any process there.',
  },
  {
    alert: 'CloseWaitRemoteEndLeaks',
    series: { [`tcp_fin_wait2_sockets{${of('destination="inventory"')}}`]: '1500x20' },
    quietAt: '9m',
    firesAt: '11m',
    labels: { destination: 'inventory' },
    description:
      '1500 connections of shop-1:3000 are closed here and not there: inventory. That process leaks, not this one.',
  },
  {
    alert: 'CloseWaitReclaiming',
    series: { [`close_wait_reclaimed_total{${of('kind="close-wait"')}}`]: '0x10 6x60' },
    quietAt: '8m',
    firesAt: '70m',
    labels: { kind: 'close-wait' },
    description: '6 leaks (close-wait) of shop-1:3000 were ended in an hour. The log has each, with its route and fix.',
  },
  {
    alert: 'CloseWaitGuardStandsStill',
    series: { [`close_wait_guard_last_sample_timestamp_seconds{${of('')}}`]: '60x20' },
    quietAt: '6m',
    firesAt: '10m',
    description: 'The last one on shop-1:3000 ended 9m 0s ago: no leak is found there. Is its event loop blocked?',
  },
  {
    alert: 'CloseWaitGuardErrors',
    series: { [`close_wait_guard_errors_total{${of('operation="sock_diag"')}}`]: '0x3 15x30' },
    quietAt: '3m',
    firesAt: '16m',
    labels: { operation: 'sock_diag' },
    description: '15 failures of sock_diag on shop-1:3000 in 15 minutes. The log has the first, as CWG_WARN_….',
  },
  {
    alert: 'CloseWaitGuardUnsupported',
    series: { [`close_wait_guard_info{${of('version="0.2.0",supported="false"')}}`]: '1x20' },
    quietAt: '4m',
    firesAt: '6m',
    labels: { version: '0.2.0', supported: 'false' },
    description:
      'Its addon does not run on shop-1:3000 (version 0.2.0): no leak is found there. stats().unsupportedReason says why.',
  },
];

/** One test file of promtool; JSON is YAML. */
function testFile({ alert, series, quietAt, firesAt, labels, description }: Case): object {
  const { severity, summary } = alerts.find(({ name }) => name === alert)!;
  const runbook_url = `https://github.com/close-wait-guard/close-wait-guard/blob/main/docs/runbook.md#${alert.toLowerCase()}`;
  const fires = {
    exp_labels: { ...PROCESS, ...labels, severity },
    exp_annotations: { summary, description, runbook_url },
  };
  return {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: [
          { eval_time: quietAt, alertname: alert, exp_alerts: [] },
          { eval_time: firesAt, alertname: alert, exp_alerts: [fires] },
        ],
      },
    ],
  };
}

describe('monitoring/rules.yml', () => {
  let folder = '';
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-rules-'));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('is well-formed, to promtool', (context) => {
    context.skip(!found, missing);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', '--lint-fatal', rules], {
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it('has a test here for each alert, and a fix for each cause', () => {
    expect(cases.map(({ alert }) => alert)).toEqual(alerts.map(({ name }) => name));
    expect(Object.keys(FIXES).sort()).toEqual([...LEAK_CAUSES].sort());
  });

  it.for(cases)('$alert is quiet, fires, and says what it is about', (each, context) => {
    context.skip(!found, missing);
    const file = path.join(folder, `${each.alert}.yml`);
    fs.writeFileSync(file, JSON.stringify(testFile(each)));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });
});
