import http from 'node:http';
import { SCHEMA_ID } from '../../src/base/schema.js';
import { MOST_ENDED, MOST_GROUPS, type PageGroup, type SocketsPageData } from '../../src/page/data.js';
import { pageHandler } from '../../src/page/handler.js';
import type { LeakReport } from '../../src/leaks/report.js';
import type { Stage } from './stage.js';

/** A report with every field that the page shows. */
export function reportWith(fields: Partial<LeakReport> = {}): LeakReport {
  return {
    ...{ id: '7', kind: 'close-wait', cause: 'request-body-not-read', fingerprint: 'f0f0f0f0f0f0', count: 3 },
    ...{ reason: 'not-touched', side: 'inbound', framework: 'fastify', fd: 23, state: 'CLOSE_WAIT' },
    explanation:
      'POST /items/:id (http:3000) has neither read its request body (0 of 160,000 bytes taken) nor answered.',
    fix: "Answer on every path: reply.code(503).header('connection', 'close').send() when its time is up.",
    ...{
      server: 'http:3000',
      method: 'POST',
      route: '/items/:id',
      path: '/items/7',
      registeredAt: 'routes/items.js:42',
    },
    ...{ destination: undefined, requestedBy: 'POST /checkout', requestId: 'request-1', traceFlags: '01' },
    ...{ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' },
    ...{ localAddress: '127.0.0.1', localPort: 3000, remoteAddress: '::1', remotePort: 53112 },
    ...{ ageMs: 61_204, idleMs: 61_204, takenBytes: 0, declaredBytes: 160_000, endsInMs: 238_000 },
    waitsFor: 'POST http://upstream:8080/items',
    ...{ unreadKernelBytes: 41_110, unreadStreamBytes: 65_386, unsentBytes: 12 },
    stack: 'at checkout (/app/checkout.js:7:9)',
    ...fields,
  };
}

function groupWith(count: number, fields: Partial<LeakReport>): PageGroup {
  const leak = reportWith({ count, ...fields });
  const here = { pid: 4711, threadId: 0 };
  const { id, kind, fd, ageMs, path, localAddress, localPort, remoteAddress, remotePort, traceId, requestId } = leak;
  const ends = { localAddress, localPort, remoteAddress, remotePort };
  const socket = { ...here, kind, fd, ageMs, path, ...ends, traceId, requestId };
  const sockets = Array.from({ length: Math.min(5, count) }, (_, i) => ({ ...socket, id: `${id}${i}` }));
  const test = `import { hangUp } from 'close-wait-guard/testing';\n\nawait expect(hangUp(app, { method: 'POST', path: '${path}' }, { at: 'request' })).toBeClosed();\n`;
  return { fingerprint: leak.fingerprint, count, oldest: { ...here, leak }, sockets, test };
}

const LONG = `/reports/${'a-very-long-name-of-a-report-that-somebody-has-chosen/'.repeat(4)}:id`;

/** So many leaks as the page would have them: 0, a few of each kind, or more than it lists. */
export function dataOf(open: number): SocketsPageData {
  const kinds = ['close-wait', 'reset', 'stalled'] as const;
  const groups = Math.min(open, open > 100 ? 300 : open);
  const listed = Math.min(groups, MOST_GROUPS);
  return {
    $schema: SCHEMA_ID,
    version: '1.0.0',
    time: '2026-11-22T10:00:00.000Z',
    processes: [{ pid: 4711, threadId: 0, version: '1.0.0', supported: true }],
    totals: { open, groups, shown: open, unreported: open > 100 ? 17 : 0, ignored: 0, released: 12, reclaimed: 1 },
    groups: Array.from({ length: listed }, (_, i) =>
      groupWith(i === 0 ? Math.max(1, open - groups + 1) : 1, {
        ...{
          id: String(i),
          fingerprint: i.toString(16).padStart(12, '0'),
          kind: kinds[i % 3]!,
          ageMs: 90_000_000 / (i + 1),
        },
        route: i === 1 ? LONG : `/items${i}/:id`,
        ...(i % 3 === 2 ? { waitsFor: undefined, endsInMs: undefined, stack: undefined } : {}),
      }),
    ),
    ended: Array.from({ length: open === 0 ? 0 : Math.min(open, MOST_ENDED) }, (_, i) => ({
      ...{ event: i % 5 === 4 ? ('reclaimed' as const) : ('released' as const), pid: 4711, threadId: 0 },
      ...{
        time: new Date(1_795_960_000_000 - i * 7_000).toISOString(),
        leak: reportWith({ id: `${1_000 + i}`, ageMs: 61_000 * (i + 1) }),
      },
    })),
  };
}

/** The page, of whatever `read` returns at the moment. `asked` counts how often its JSON was asked for. */
export async function serveData(
  stage: Stage,
  read: () => SocketsPageData,
): Promise<{ readonly port: number; readonly asked: () => number; readonly server: http.Server }> {
  let asked = 0;
  const page = pageHandler(read, undefined, (error) => {
    throw error;
  });
  const server = http.createServer((request, response) => {
    if (request.url?.includes('format=json')) asked++;
    page(request, response);
  });
  return { port: await stage.listen(server), asked: () => asked, server };
}
