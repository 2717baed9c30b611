import { describe, expect, it } from 'vitest';
import { PageRegistry, pageOf, sumUp, totalsOf } from '../../src/metrics/page.js';
import { plainMetric, type MetricObject, type MetricValue } from '../../src/metrics/registry.js';

type About = Pick<MetricObject, 'name' | 'type' | 'aggregator'>;
const open: About = { name: 'open', type: 'gauge', aggregator: 'sum' };
const oldest: About = { name: 'oldest_seconds', type: 'gauge', aggregator: 'max' };
const found: About = { name: 'found_total', type: 'counter', aggregator: 'sum' };

function metric(about: About, ...values: MetricValue[]): MetricObject {
  return { ...about, help: `What is ${about.name}.`, values };
}

const row = (value: number, labels: MetricValue['labels'] = {}): MetricValue => ({ labels, value });

describe('the page of a process without a client of Prometheus', () => {
  it('escapes what a label and a help text may hold (text format 0.0.4)', () => {
    const page = pageOf([{ ...metric(open, row(1, { route: 'a"b\\c\nd' })), help: 'One\nor \\ more.' }]);
    expect(page).toBe('# HELP open One\\nor \\\\ more.\n# TYPE open gauge\nopen{route="a\\"b\\\\c\\nd"} 1\n');
  });

  it('has the rows of a histogram under their own names', () => {
    const about: About = { name: 'age', type: 'histogram', aggregator: 'sum' };
    const page = pageOf([
      metric(about, { ...row(3, { le: '+Inf' }), metricName: 'age_bucket' }, { ...row(3), metricName: 'age_count' }),
    ]);
    expect(page.split('\n').slice(2)).toEqual(['age_bucket{le="+Inf"} 3', 'age_count 3', '']);
  });

  it('shows what is registered as it is at that moment, and not what was removed', async () => {
    const registry = new PageRegistry();
    let value = 1;
    registry.registerMetric(
      plainMetric(
        { ...open, help: 'Now.' },
        () => [row(value)],
        () => {},
      ),
    );
    registry.registerMetric(
      plainMetric(
        { ...oldest, help: 'Gone.' },
        () => [row(9)],
        () => {},
      ),
    );
    expect(registry.getSingleMetric('oldest_seconds')).toBeDefined();
    registry.removeSingleMetric('oldest_seconds');
    expect(registry.getSingleMetric('oldest_seconds')).toBeUndefined();
    value = 2;
    await expect(registry.metrics()).resolves.toBe('# HELP open Now.\n# TYPE open gauge\nopen 2\n');
    expect(registry.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });
});

describe('what several processes count', () => {
  it('is summed, or the largest, each by its own aggregator', () => {
    const [all, age] = sumUp([
      [metric(open, row(1)), metric(oldest, row(5))],
      [metric(open, row(2)), metric(oldest, row(3))],
    ]);
    expect(all!.values).toEqual([row(3)]);
    expect(age!.values).toEqual([row(5)]);
  });

  it('keeps rows of other labels apart, in whatever order the labels come', () => {
    const [sum] = sumUp([
      [metric(open, row(1, { side: 'inbound', cause: 'paused' }), row(4, { side: 'outbound', cause: 'paused' }))],
      [metric(open, row(2, { cause: 'paused', side: 'inbound' }))],
    ]);
    expect(sum!.values.map(({ value }) => value)).toEqual([3, 4]);
  });

  it('has a metric that only one of them counts', () => {
    expect(sumUp([[metric(open, row(1))], [metric(found, row(7))]]).map(({ name }) => name)).toEqual([
      'open',
      'found_total',
    ]);
  });

  it('stays when a process has gone, but for what was true of that process alone', () => {
    expect(totalsOf([metric(open, row(1)), metric(found, row(7))])).toEqual([metric(found, row(7))]);
  });
});
