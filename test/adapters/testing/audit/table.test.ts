import { describe, expect, it } from 'vitest';
import type { LeakReport } from '../../../../src/leaks/report.js';
import type { AuditReport } from '../../../../src/testing/audit/report.js';
import { drawReport } from '../../../../src/testing/audit/table.js';

const LEAK = {
  kind: 'close-wait',
  cause: 'request-body-not-read',
  side: 'inbound',
  explanation: 'POST /photos has not read its request body.',
  fix: 'Read the body.',
} as LeakReport;

function report(parts: Partial<AuditReport>): Omit<AuditReport, 'toString'> {
  return { survived: true, supported: true, rows: [], leaks: [], notTried: [], runs: 1, durationMs: 1234, ...parts };
}
const row = (method: string, url: string, moments: AuditReport['rows'][number]['moments'], advice?: string) => ({
  method,
  url,
  statusCode: 200,
  handler: 'ran' as const,
  advice,
  moments,
});

describe('the table of an audit', () => {
  it('has a row for each route, a column for each moment, and then causes and fixes', () => {
    const leaks = (['mid-body', 'request'] as const).map((at) => ({
      method: 'POST',
      url: '/photos',
      at,
      how: 'fin' as const,
      leak: LEAK,
    }));
    const rows = [
      row('*', '*', { connect: 'ok' }),
      row('GET', '/', { request: 'ok', response: 'not-reached' }),
      row('POST', '/photos', { 'mid-body': 'leak', request: 'leak', response: 'not-tried' }),
    ];
    const notTried = [
      { method: 'POST', url: '/photos', at: 'response', reason: 'max-runs', explanation: 'maxRuns (5) was reached' },
    ] as const;
    expect(drawReport(report({ survived: false, rows, leaks, notTried, runs: 5 }))).toBe(
      `
route          connect  mid-body  request  response
* (any route)  ok       -         -        -
GET /          -        -         ok       n/r
POST /photos   -        LEAK      LEAK     cut

n/r: the moment did not come | cut: not tried, see below

LEAK POST /photos: request-body-not-read (close-wait)
     at:  mid-body, request
     why: POST /photos has not read its request body.
     fix: Read the body.

Not tried:
  maxRuns (5) was reached: POST /photos response

1 route leaks: 2 routes, 5 hang-ups, 2 leaks, 1 not tried, 1.2 s
`.trim(),
    );
  });

  it('names how the client left where it was not by a FIN, and the destination of an outbound leak', () => {
    const leaks = [
      { method: 'GET', url: '/a', at: 'idle', how: 'reset', leak: LEAK },
      {
        method: 'GET',
        url: '/b',
        at: undefined,
        how: undefined,
        leak: { ...LEAK, side: 'outbound', destination: 'http://up/' },
      },
    ] as AuditReport['leaks'];
    const text = drawReport(report({ survived: false, leaks }));
    expect(text).toMatch(/^LEAK GET \/a: .*\n {5}at: {2}idle \(reset\)$/m);
    expect(text).toMatch(/^LEAK GET \/b, connection to http:\/\/up\/: .*\n {5}at: {2}not known at which moment$/m);
    expect(text).toMatch(/^2 routes leak: /m);
  });

  it('tells a handler that did not run from one that failed, and from one that turned the request away', () => {
    const rows = [
      { ...row('GET', '/a', {}, 'answered 403: give it headers that let it in'), statusCode: 403, handler: 'not-run' },
      { ...row('GET', '/b', {}, 'answered 500: its handler failed'), statusCode: 500, handler: 'failed' },
      { ...row('GET', '/c', {}, 'answered 400: give it an example'), statusCode: 400, handler: 'ran' },
      row('GET', '/d', {}),
    ] as const;
    expect(drawReport(report({ survived: false, rows }))).toContain(
      `
Did not get to the handler:
  GET /a: answered 403: give it headers that let it in
Turned away by the handler:
  GET /c: answered 400: give it an example
The handler failed each time:
  GET /b: answered 500: its handler failed

not complete: 4 routes`,
    );
  });

  it('escapes what is not printable ASCII', () => {
    const text = drawReport(
      report({ rows: [row('GET', '/caf\u00e9\u001b[31m', { request: 'ok' }, 'answered\u0007 400')] }),
    );
    expect(text).toContain('GET /caf\\u{e9}\\u{1b}[31m');
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });

  it('names no more than ten of what was left out for one reason', () => {
    const notTried = Array.from({ length: 12 }, (_, i) => ({
      method: 'HEAD',
      url: `/${i}`,
      at: undefined,
      reason: 'generated' as const,
      explanation: 'Fastify made it from GET',
    }));
    expect(drawReport(report({ notTried }))).toMatch(
      /^ {2}Fastify made it from GET \(12\): HEAD \/0, .*HEAD \/9, and 2 more$/m,
    );
  });

  it('says so where nothing was tried', () => {
    expect(drawReport(report({ survived: false, runs: 0 }))).toMatch(/^nothing was tried: /);
  });
});
