import http from 'node:http';
import type { Socket } from 'node:net';
import Fastify from 'fastify';
import { Agent, request as undiciRequest } from 'undici';
import { describe, expect, it } from 'vitest';
import { closeWaitGuard, createGuard } from '../../../src/index.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const TRACE = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: '01' };
const TRACEPARENT = `00-${TRACE.traceId}-${TRACE.spanId}-${TRACE.traceFlags}`;
const HEADERS = { traceparent: TRACEPARENT, 'x-request-id': 'req-7/eu:3' };
const NOTHING = { traceId: undefined, spanId: undefined, traceFlags: undefined, requestId: undefined };

const stage = stageOfEachTest();

/** What is reported of a server that never answers, when a client has sent this request and left. */
async function inbound(server: http.Server, headers: Record<string, string | string[]>): Promise<LeakReport> {
  const guard = createGuard({ ...QUICK, scope: 'watched' });
  stage.defer(() => guard.close());
  guard.watch(server);
  const { leaks } = follow(guard);
  const client = await stage.connect(await stage.listen(server));
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}`),
  );
  client.say(['GET /orders/7 HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n'));
  await client.close();
  const leak = await until('the leak', () => leaks[0]);
  expectKernelAgrees(leak);
  return leak;
}

const neverAnswers = (): http.Server => {
  const server = http.createServer(() => undefined);
  // Node ends such a connection when its client's FIN has been read, unless it is told not to.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  return server;
};

describe('an inbound request that leaks', () => {
  it('has the trace and the id that its client sent', async () => {
    expect(await inbound(neverAnswers(), HEADERS)).toMatchObject({
      side: 'inbound',
      ...TRACE,
      requestId: 'req-7/eu:3',
    });
  });

  it.each([
    ['all zeros', `00-${'0'.repeat(32)}-${TRACE.spanId}-01`],
    ['a span of zeros', `00-${TRACE.traceId}-${'0'.repeat(16)}-01`],
    ['version ff', `ff-${TRACE.traceId}-${TRACE.spanId}-01`],
    ['upper case', TRACEPARENT.toUpperCase()],
    ['too long for its version', `${TRACEPARENT}${'-'.repeat(9_000)}`],
    ['no hexadecimal digits', `00-${'g'.repeat(32)}-${TRACE.spanId}-01`],
    ['two of them', [TRACEPARENT, TRACEPARENT]],
  ])('has no trace where the header is %s', async (_what, traceparent) => {
    expect(await inbound(neverAnswers(), { traceparent })).toMatchObject(NOTHING);
  });

  it.each([
    ['markup', '<img src=x onerror=alert(1)>'],
    ['129 characters', 'a'.repeat(129)],
    ['empty', ''],
  ])('has no id where the header is %s', async (_what, id) => {
    expect(await inbound(neverAnswers(), { 'x-request-id': id })).toMatchObject(NOTHING);
  });

  it('takes its trace into the application’s log, under the names of OpenTelemetry', async () => {
    const lines: string[] = [];
    const app = Fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } });
    await app.register(closeWaitGuard, { ...QUICK, scope: 'watched', metricsRoute: false });
    app.get('/orders/:id', () => new Promise(() => undefined));
    (app.server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
    await app.ready();
    const client = await stage.connect(await stage.listen(app.server));
    client.say(`GET /orders/7 HTTP/1.1\r\nHost: x\r\ntraceparent: ${TRACEPARENT}\r\n\r\n`);
    await client.close();
    const line = await until('the line', () => lines.find((each) => each.includes('Leaked socket')));
    expect(JSON.parse(line)).toMatchObject({
      trace_id: TRACE.traceId,
      span_id: TRACE.spanId,
      trace_flags: '01',
      leak: { route: '/orders/:id', ...TRACE },
    });
  });
});

type Ask = (url: string, headers: Record<string, string>) => Promise<unknown>;

const asks: readonly [api: string, ask: Ask][] = [
  [
    'http.get()',
    (url, headers) =>
      new Promise((resolve) => http.get(url, { headers, agent: false }).on('response', () => resolve(undefined))),
  ],
  [
    'undici.request()',
    (url, headers) => {
      const dispatcher = new Agent();
      stage.defer(() => dispatcher.destroy());
      return undiciRequest(url, { dispatcher, headers });
    },
  ],
  ['fetch()', (url, headers) => fetch(url, { headers })],
];

describe('an outbound request that leaks has the trace and the id that it was sent with', () => {
  it.each(asks)('%s', async (_api, ask) => {
    const guard = createGuard({ ...QUICK });
    stage.defer(() => guard.close());
    let leak: LeakReport | undefined;
    guard.on('leak', (each: LeakReport, _socket: Socket | undefined) => {
      if (each.side === 'outbound') leak = each;
    });
    const port = await stage.listen(http.createServer((_request, response) => response.end(Buffer.alloc(6_000_000))));
    const kept = await ask(`http://127.0.0.1:${port}/report`, HEADERS);
    expect(await until('the leak', () => leak)).toMatchObject({ ...TRACE, requestId: 'req-7/eu:3' });
    expect(kept === null).toBe(false);
  });
});
