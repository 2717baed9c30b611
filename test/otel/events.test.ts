import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/base/version.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { SCHEMA } from '../../src/metrics/otel/instruments.js';
import { installed, play, SDKS } from './sdks.js';

const missing = installed();
const [INFO, WARN] = [9, 13];

/** Events of one kind, each with where its request went. */
function byRoute(events: any[], eventName: string): Record<string, any> {
  const found = events.filter((event) => event.eventName === eventName);
  return Object.fromEntries(found.map((event) => [event.attributes['http.route'], event]));
}

describe.each(SDKS)('with SDK $sdk, a leak is an event', { timeout: 120_000 }, (sdk) => {
  it('in the trace of the request that leaked, on its own span, where node:http is instrumented', async (context) => {
    const seen = await play(context, missing, sdk, { program: ['trace'] });
    const { served, TRACE, CALLER, unrelated } = seen;
    const leaks = byRoute(seen.events, 'close_wait_guard.leak');
    const released = byRoute(seen.events, 'close_wait_guard.released');
    expect(Object.keys(leaks).sort()).toEqual(['/hostile', '/traced', '/untraced']);
    for (const route of Object.keys(leaks)) {
      expect(leaks[route].span, route).toEqual(served[route]);
      expect(released[route].span, route).toEqual(served[route]);
      expect(seen.spans, route).toContainEqual(expect.objectContaining({ spanId: served[route].spanId, kind: 1 }));
      const report = seen.leaks.find((leak: LeakReport) => leak.route === route);
      expect([report.traceId, report.spanId, report.traceFlags]).toEqual([
        served[route].traceId,
        served[route].spanId,
        '01',
      ]);
    }
    // The trace goes on that the caller had begun; without a header, or with a made-up one, it is the request's own.
    expect(leaks['/traced'].span.traceId).toBe(TRACE);
    expect(seen.spans.find(({ traceId }: any) => traceId === TRACE)).toMatchObject({ parent: CALLER });
    for (const route of ['/untraced', '/hostile']) expect(leaks[route].span.traceId).not.toBe(unrelated.traceId);
    expect(new Set(Object.values(leaks).map(({ span }) => span.traceId)).size).toBe(3);
    expect(seen.left.probes, 'no listener stays on a message').toBe(0);
  });

  it('as the data model wants it: name, time, severity, sentence, attributes and scope', async (context) => {
    const started = Date.now();
    const seen = await play(context, missing, sdk, { program: ['trace'] });
    const { '/traced': leak } = byRoute(seen.events, 'close_wait_guard.leak');
    const report = seen.leaks.find(({ route }: LeakReport) => route === '/traced');
    expect(leak).toMatchObject({
      severityNumber: WARN,
      scope: { name: 'close-wait-guard', version: VERSION, ...SCHEMA },
    });
    expect(leak.severityText).toBeUndefined();
    expect(leak.timestamp).toBeGreaterThan(started);
    expect(leak.timestamp).toBeLessThanOrEqual(Date.now());
    expect(leak.body).toMatch(/^Leaked socket: POST \/traced \(shop\) .* Fix: /);
    expect(leak.body).toContain(report.fix);
    expect(leak.attributes).toMatchObject({
      'network.transport': 'tcp',
      'network.connection.state': 'close_wait',
      'network.local.port': report.localPort,
      'network.peer.address': '127.0.0.1',
      'network.peer.port': report.remotePort,
      'http.request.method': 'POST',
      'http.route': '/traced',
      'close_wait_guard.kind': 'close-wait',
      'close_wait_guard.cause': 'request-body-not-read',
      'close_wait_guard.fingerprint': report.fingerprint,
      'close_wait_guard.side': 'inbound',
      'close_wait_guard.server': 'shop',
      'close_wait_guard.fix': report.fix,
      'close_wait_guard.declared_bytes': 200_000,
    });
    for (const [name, value] of Object.entries(leak.attributes)) {
      expect(name).toMatch(/^(close_wait_guard|network|http)\.[a-z0-9_.]+$/);
      expect(['string', 'number']).toContain(typeof value);
    }
    expect(byRoute(seen.events, 'close_wait_guard.released')['/traced']).toMatchObject({ severityNumber: INFO });
  });

  it('in the span of a Fastify request, where Fastify alone is instrumented', async (context) => {
    const { events, served, boot } = await play(context, missing, sdk, { program: ['fastify'] });
    expect(events).toHaveLength(2);
    for (const { span, attributes } of events) {
      expect(span.traceId).toBe(served[attributes['url.path']].traceId);
      expect(span.spanId).not.toBe(boot.spanId);
    }
    expect(new Set(events.map(({ span }: any) => span.spanId)).size, 'each its own').toBe(2);
  });

  it('in no trace rather than in that of the span which the server was started in', async (context) => {
    const { events, served, boot } = await play(context, missing, sdk, { program: ['fastify', 'bare'] });
    expect(served['/items/1'], 'it is active in every request').toEqual(boot);
    const spans = Object.fromEntries(events.map((event: any) => [event.attributes['url.path'], event.span]));
    expect(spans).toEqual({
      '/items/2': { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 },
    });
  });

  it('in the span that asked for it, where an outbound request has no header', async (context) => {
    const { events, spans, ports } = await play(context, missing, sdk, { program: ['outbound'] });
    const of = Object.fromEntries(
      events.map((event: any) => [event.attributes['close_wait_guard.destination'], event.span]),
    );
    expect(of).toEqual({
      [`http://127.0.0.1:${ports.port}/http`]: spans.http,
      [`http://127.0.0.1:${ports.port}/fetch`]: spans.fetch,
      [`127.0.0.1:${ports.bytesPort}`]: spans.net,
    });
  });
});
