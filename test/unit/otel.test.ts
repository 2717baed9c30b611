import { describe, expect, it } from 'vitest';
import { GUARD_OPERATIONS } from '../../src/guard/stats.js';
import { LEAK_CAUSES } from '../../src/index.js';
import { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../../src/metrics/families.js';
import type { MetricFamily } from '../../src/metrics/family.js';
import { attributeOfLabel, attributesOfLabels, attributesOfReport } from '../../src/metrics/otel/attributes.js';
import { instrumentOf } from '../../src/metrics/otel/instruments.js';
import { Series } from '../../src/metrics/otel/series.js';
import type { LeakReport } from '../../src/leaks/report.js';
import type { Row } from '../../src/metrics/rows.js';

function familyOf(name: string): MetricFamily {
  const family = METRIC_FAMILIES.find((each) => each.name === name);
  if (!family) throw new Error(`there is no ${name}`);
  return family;
}

const LEAKED = familyOf('close_wait_leaked_sockets');
const routed = (route: string, value: number): Row => [
  { kind: 'close-wait', cause: 'paused', side: 'inbound', route },
  value,
];

describe('names (semantic conventions, "Naming")', () => {
  const all = [...METRIC_FAMILIES, { ...DURATION_HISTOGRAM, labelNames: [] }];

  it('of instruments are lower case, in a namespace, without _total, and each is there once', () => {
    const names = all.map(({ otel }) => otel.name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/);
      expect(name).not.toMatch(/_(total|seconds|bytes|ratio)$/);
    }
    const borrowed = names.filter((name) => !name.startsWith('close_wait_guard.'));
    expect(borrowed).toEqual(['system.network.connection.count', 'process.unix.file_descriptor.count']);
  });

  it('of attributes are those of the conventions, or in the same namespace', () => {
    const names = METRIC_FAMILIES.flatMap(({ labelNames }) => labelNames.map(attributeOfLabel));
    expect([...new Set(names)].sort()).toEqual([
      'close_wait_guard.cause',
      'close_wait_guard.kind',
      'close_wait_guard.operation',
      'close_wait_guard.server',
      'close_wait_guard.side',
      'close_wait_guard.supported',
      'close_wait_guard.version',
      'http.request.method',
      'http.route',
      'server.address',
    ]);
  });

  it('units are UCUM: seconds, bytes, a ratio, or what is counted', () => {
    for (const { otel } of all) expect(otel.unit, otel.name).toMatch(/^(s|By|1|\{[a-z_]+\})$/);
  });

  it('what only grows is a counter, what adds up an up-down-counter, and a gauge what does not', () => {
    const of = (instrument: string): string[] =>
      METRIC_FAMILIES.filter((family) => instrumentOf(family) === instrument).map(({ name }) => name);
    expect(of('counter')).toEqual(METRIC_FAMILIES.filter(({ type }) => type === 'counter').map(({ name }) => name));
    expect(of('up-down-counter')).toEqual([
      'close_wait_sockets',
      'close_wait_leaked_sockets',
      'close_wait_unread_bytes',
      'close_wait_open_fds',
    ]);
  });
});

describe('attributes', () => {
  it('of a row: an empty label is none, and the constant ones of its family come with it', () => {
    expect(attributesOfLabels({ side: 'inbound', server: '' }, { 'network.transport': 'tcp' })).toEqual({
      'network.transport': 'tcp',
      'close_wait_guard.side': 'inbound',
    });
  });

  it('of a report: each field that is known, once; the trace is its context and the sentence its body', () => {
    const report = {
      id: '7',
      kind: 'reset',
      state: 'CLOSE',
      traceId: 'a',
      spanId: 'b',
      traceFlags: '01',
      explanation: 'x',
    };
    const more = { ageMs: 0, requestedBy: 'POST /checkout', route: undefined, stack: 'at x', path: '/items/7' };
    expect(attributesOfReport({ ...report, ...more } as unknown as LeakReport)).toEqual({
      'network.transport': 'tcp',
      'network.connection.state': 'closed',
      'close_wait_guard.id': '7',
      'close_wait_guard.kind': 'reset',
      'close_wait_guard.age_ms': 0,
      'close_wait_guard.requested_by': 'POST /checkout',
      'code.stacktrace': 'at x',
      'url.path': '/items/7',
    });
  });

  it('of a report whose state has no name in the conventions: none', () => {
    expect(attributesOfReport({ state: 'UNKNOWN' } as LeakReport)).toEqual({ 'network.transport': 'tcp' });
  });
});

describe('series', () => {
  it('a row that has gone stands at 0, and comes back as the same series', () => {
    const series = new Series(LEAKED);
    expect(series.rows([routed('/a', 3)])).toEqual([[...routed('/a', 3), undefined]]);
    expect(series.rows([])).toEqual([routed('/a', 0)]);
    expect(series.rows([routed('/b', 1)])).toEqual([[...routed('/b', 1), undefined], routed('/a', 0)]);
    expect(series.rows([routed('/a', 2)]).map(([, value]) => value)).toEqual([2, 0]);
  });

  it('of a gauge for which nobody may say 0 it goes', () => {
    const series = new Series(familyOf('tcp_accept_queue_limit'));
    series.rows([[{ server: 'smtp' }, 511]]);
    expect(series.rows([])).toEqual([]);
  });

  it('however many routes come and go, there are never as many as an SDK drops, and their sum stays true', () => {
    const series = new Series(LEAKED);
    let rows: Row[] = [];
    for (let i = 0; i < 5_000; i += 50) {
      const current = Array.from({ length: 50 }, (_, n) => routed(`/r${i + n}`, 1));
      rows = series.rows(current);
      expect(rows.reduce((sum, [, value]) => sum + value, 0)).toBe(50);
    }
    const closed = 3 * LEAK_CAUSES.length * 3 + GUARD_OPERATIONS.length;
    expect(rows.length).toBeLessThanOrEqual(1_000 + closed);
    expect(rows).toContainEqual([{ kind: 'close-wait', cause: 'paused', side: 'inbound' }, 50, undefined]);
  });

  it('a counter never falls, also when there are too many routes', () => {
    const series = new Series(familyOf('close_wait_leaks_total'));
    const totals = new Map<string, number>();
    const all: Row[] = [];
    for (let i = 0; i < 2_500; i++) {
      all.push(routed(`/r${i}`, 1));
      if (i % 100 !== 0) continue;
      const rows = series.rows(all);
      for (const [labels, value] of rows) {
        const key = JSON.stringify(labels);
        expect(value).toBeGreaterThanOrEqual(totals.get(key) ?? 0);
        totals.set(key, value);
      }
      expect(rows.reduce((sum, [, value]) => sum + value, 0)).toBe(all.length);
    }
  });
});
