import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.js';
import { DURATION_HISTOGRAM, METRIC_FAMILIES } from '../../src/metrics/families.js';
import { attributeOfLabel } from '../../src/metrics/otel/attributes.js';
import { instrumentOf, SCHEMA } from '../../src/metrics/otel/instruments.js';
import { grantedBacklog, samplesOf, valueOf } from '../support/metrics-page.js';
import { installed, play, SDKS } from './sdks.js';

const missing = installed();
const MOMENTS = ['before', 'leaked', 'closed', 'all'] as const;
/** As the SDK numbers them: data points, and how values of several collections go together. */
const [HISTOGRAM, GAUGE, SUM] = [0, 2, 3];
const CUMULATIVE = 1;

/** The sum of the values that have these attributes. */
function value(metrics: any[], name: string, attributes: Record<string, string> = {}): number {
  const points: any[] = metrics.find((metric) => metric.name === name)?.points ?? [];
  const found = points.filter((point) =>
    Object.entries(attributes).every(([key, wanted]) => (point.attributes[key] ?? '') === wanted),
  );
  if (found.length === 0) throw new Error(`no ${name}${JSON.stringify(attributes)}: ${JSON.stringify(points)}`);
  return found.reduce((sum, point) => sum + point.value, 0);
}

/** What differs between two readings of one moment. */
const MOVES = /sample|oldest|fds$|listen_overflows/;

describe.each(SDKS)('the metrics of SDK $sdk', (sdk) => {
  let seen: any;

  it('one program leaks, and says what the exporters have', { timeout: 120_000 }, async (context) => {
    seen = await play(context, missing, sdk, { program: ['values'] });
  });

  it('are those of the one description: names, units, instruments, and the scope', ({ skip }) => {
    skip(seen === undefined, 'there is no run of it');
    const wanted = METRIC_FAMILIES.map((family) => ({
      scope: { name: 'close-wait-guard', version: VERSION, ...SCHEMA },
      name: family.otel.name,
      description: family.help,
      unit: family.otel.unit,
      dataPointType: instrumentOf(family) === 'gauge' ? GAUGE : SUM,
      isMonotonic: instrumentOf(family) === 'gauge' ? undefined : instrumentOf(family) === 'counter',
      aggregationTemporality: CUMULATIVE,
    }));
    const got = seen.leaked.metrics.map(({ points: _points, ...metric }: any) => metric);
    for (const metric of wanted) {
      const found = got.find(({ name }: any) => name === metric.name);
      expect(JSON.parse(JSON.stringify(found)), metric.name).toEqual(JSON.parse(JSON.stringify(metric)));
    }
    const { otel, help } = DURATION_HISTOGRAM;
    expect(seen.all.metrics.find(({ name }: any) => name === otel.name)).toMatchObject({
      description: help,
      unit: 's',
      dataPointType: HISTOGRAM,
    });
    expect(seen.all.metrics).toHaveLength(METRIC_FAMILIES.length + 1);
  });

  it(`are the kernel's numbers`, ({ skip }) => {
    skip(seen === undefined, 'there is no run of it');
    expect(MOMENTS.map((moment) => seen[moment].kernel)).toEqual([0, 4, 3, 1]);
    for (const moment of MOMENTS) {
      const { metrics, kernel, fds } = seen[moment];
      const closeWait = { 'network.connection.state': 'close_wait', 'network.transport': 'tcp' };
      expect(value(metrics, 'system.network.connection.count', closeWait), moment).toBe(kernel);
      expect(value(metrics, 'process.unix.file_descriptor.count'), moment).toBe(fds);
    }
    expect(
      value(seen.leaked.metrics, 'close_wait_guard.accept_queue.limit', { 'close_wait_guard.server': 'smtp' }),
    ).toBe(grantedBacklog());
    expect(value(seen.leaked.metrics, 'close_wait_guard.socket.unread_size')).toBe(3 * 'hello'.length);
  });

  it('a leak is counted when it is found, is open until it is closed, and its series then stands at 0', ({ skip }) => {
    skip(seen === undefined, 'there is no run of it');
    const of = (name: string, attributes = {}): number[] =>
      MOMENTS.map((moment) => value(seen[moment].metrics, name, attributes));
    expect(of('close_wait_guard.leaks_found', { 'close_wait_guard.kind': 'close-wait' })).toEqual([0, 3, 3, 3]);
    expect(of('close_wait_guard.leaks_released', { 'close_wait_guard.kind': 'close-wait' })).toEqual([0, 0, 1, 3]);
    expect(of('close_wait_guard.socket.leaked')).toEqual([0, 3, 2, 0]);
    const leak = {
      'close_wait_guard.kind': 'close-wait',
      'close_wait_guard.cause': 'never-read',
      'close_wait_guard.side': 'inbound',
      'close_wait_guard.server': 'smtp',
    };
    expect(value(seen.all.metrics, 'close_wait_guard.socket.leaked', leak)).toBe(0);
    const { points } = seen.all.metrics.find(({ name }: any) => name === DURATION_HISTOGRAM.otel.name);
    expect(points[0].value).toMatchObject({ count: 3, buckets: { boundaries: DURATION_HISTOGRAM.buckets } });
  });

  it('each is what the page of prom-client says at that moment', ({ skip }) => {
    skip(seen === undefined, 'there is no run of it');
    for (const moment of MOMENTS) {
      const { metrics, page } = seen[moment];
      for (const { name, otel } of METRIC_FAMILIES) {
        if (MOVES.test(name)) continue;
        for (const { labels } of samplesOf(page).filter((sample) => sample.name === name)) {
          const kept = Object.entries(labels).filter(([, text]) => text !== '');
          // Of a label that a row lacks the attribute is absent, too.
          const absent = ['route', 'method', 'server', 'destination'].filter(
            (label) => !(label in Object.fromEntries(kept)),
          );
          const attributes = Object.fromEntries([
            ...kept.map(([label, text]) => [attributeOfLabel(label), text]),
            ...absent.map((label) => [attributeOfLabel(label), '']),
          ]);
          expect(value(metrics, otel.name, attributes), `${moment} ${name}`).toBe(
            valueOf(page, name, { ...emptied(absent), ...Object.fromEntries(kept) }),
          );
        }
      }
    }
  });

  it('the Prometheus exporter has them under the names that OpenTelemetry gives them there', ({ skip }) => {
    skip(seen === undefined, 'there is no run of it');
    const { exporter, kernel } = seen.leaked;
    const ours = { otel_scope_name: 'close-wait-guard', otel_scope_version: VERSION };
    expect(
      valueOf(exporter, 'system_network_connection_count', { ...ours, network_connection_state: 'close_wait' }),
    ).toBe(kernel);
    expect(valueOf(exporter, 'close_wait_guard_socket_leaked', ours)).toBe(3);
    expect(valueOf(exporter, 'close_wait_guard_leaks_found_total', ours)).toBe(3);
    expect(valueOf(exporter, 'process_unix_file_descriptor_count', ours)).toBe(seen.leaked.fds);
    expect(valueOf(seen.all.exporter, 'close_wait_guard_socket_leaked', ours)).toBe(0);
    expect(valueOf(seen.all.exporter, 'close_wait_guard_socket_duration_count', ours)).toBe(3);
    const families = exporter.match(/^# TYPE (?!target_info)\S+/gm) as string[];
    expect(families).toHaveLength(METRIC_FAMILIES.length);
  });

  it('a collection reads the counts once; a reader of deltas gets each leak once', ({ skip }) => {
    skip(seen === undefined, 'there is no run of it');
    for (const moment of MOMENTS) expect(seen[moment].readsOfOne, moment).toBe(1);
    const found = MOMENTS.map((moment) => value(seen[moment].deltas, 'close_wait_guard.leaks_found'));
    expect(found).toEqual([0, 3, 0, 0]);
  });

  it('of a guard that is taken out counters keep what it had counted, nothing is read of it, and nothing is open', ({
    skip,
  }) => {
    skip(seen === undefined, 'there is no run of it');
    const { metrics, readsOfOne } = seen.disposed;
    expect(readsOfOne).toBe(0);
    expect(value(metrics, 'close_wait_guard.leaks_found')).toBe(3);
    expect(value(metrics, 'close_wait_guard.socket.leaked')).toBe(0);
    expect(seen.disposed.kernel).toBe(1);
    expect(value(metrics, 'system.network.connection.count')).toBe(0);
  });
});

function emptied(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label) => [label, '']));
}
