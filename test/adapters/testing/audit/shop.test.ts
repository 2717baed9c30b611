import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { auditRoutes, type AuditReport, type HangUpMoment } from '../../../../src/testing.js';
import { CLOSE_WAIT, kernelRows } from '../../../support/kernel-view.js';
import { until } from '../../../support/until.js';

type Shop = (supplier: string) => FastifyInstance;
const example = (name: string) => import(new URL(`../../../../examples/audit/${name}.mjs`, import.meta.url).href);
const { leakyShop } = (await example('leaky')) as { leakyShop: Shop };
const { fixedShop } = (await example('fixed')) as { fixedShop: Shop };
const { startSupplier } = (await example('supplier')) as {
  startSupplier: () => Promise<{ url: string; close: () => void }>;
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function auditShop(shop: Shop) {
  const supplier = await startSupplier();
  ends.push(() => supplier.close());
  const app = shop(supplier.url);
  ends.push(() => app.close());
  const report = await auditRoutes(app, { deadlineMs: 1_500 });
  const port = Number(new URL(app.listeningOrigin).port);
  return { report, port, supplierPort: Number(new URL(supplier.url).port) };
}

/** Route, cause and moments of each leak. */
function found({ leaks }: AuditReport): string[] {
  const routes = new Map<string, Set<string>>();
  for (const { method, url, at, leak } of leaks) {
    const key = `${method} ${url}: ${leak.cause}`;
    routes.set(key, (routes.get(key) ?? new Set()).add(at ?? 'unknown'));
  }
  return [...routes].map(([key, moments]) => `${key}: ${[...moments].join()}`);
}

const LEAKS = [
  'POST /photos: request-body-not-read: mid-body,request,response',
  'GET /stock: response-body-not-read: unknown',
  'PUT /backups/:name: request-body-abandoned: mid-body,request,mid-response,response,idle',
  'GET /live: half-open-not-ended: upgrade',
  'GET /news: response-not-ended: request,mid-response,response',
];

/** On a machine that is busy a response may not begin in its time: then the audit says so, and there is no leak at that moment. */
function reached(expected: readonly string[], { rows }: AuditReport): string[] {
  return expected.map((line) => {
    const [route, cause, at] = line.split(': ') as [string, string, string];
    const row = rows.find(({ method, url }) => `${method} ${url}` === route);
    const came = at.split(',').filter((moment) => row?.moments[moment as HangUpMoment] !== 'not-reached');
    return `${route}: ${cause}: ${came.join()}`;
  });
}

describe('the example shop', () => {
  it('has five routes that leak, and they are found with their causes and moments', async () => {
    const { report, port, supplierPort } = await auditShop(leakyShop);
    expect(found(report)).toEqual(reached(LEAKS, report));
    expect(report.survived).toBe(false);
    // What was recorded is ended: the kernel holds none of it any more.
    await until('the leaked connections to be gone', () =>
      kernelRows().every(({ localPort, remotePort, state }) => {
        const isOurs = localPort === port || remotePort === supplierPort;
        return !isOurs || state !== CLOSE_WAIT;
      }),
    );
  });

  it('is clean once they are fixed', async () => {
    const { report } = await auditShop(fixedShop);
    expect(found(report)).toEqual([]);
    expect(report.survived).toBe(true);
    expect(report.rows.filter(({ advice }) => advice !== undefined)).toEqual([]);
    expect(report.notTried.every(({ reason, method }) => reason === 'generated' && method === 'HEAD')).toBe(true);
  });
});
