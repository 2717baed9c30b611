import Fastify from 'fastify';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import closeWaitGuard from '../../../src/index.js';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { guardOn, held, scrape } from '../../support/guarded-server.js';
import { get, stageOfEachTest } from '../../support/stage.js';
import { samplesOf, valueOf } from '../../support/metrics-page.js';
import { until } from '../../support/until.js';

const OPEN = 'close_wait_leaked_sockets';
const TOTAL = 'close_wait_leaks_total';

describe('the label route', () => {
  const stage = stageOfEachTest();

  it('goes to routes that leak now: made-up paths use nothing up, and the sum is the kernel’s beyond maxReported', async () => {
    const kept = new Set<Socket>();
    const server = http.createServer((request: IncomingMessage) => kept.add(request.socket));
    (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
    const port = await stage.listen(server);
    const guard = guardOn(stage, { closeWaitTimeout: 300, sampleInterval: 50, maxReported: 20 });
    guard.watch(server, { name: 'web' });
    const register = new Registry();
    stage.defer(collectGuardMetrics(guard, { register }));
    const routes = (page: string, name: string): Set<string | undefined> =>
      new Set(samplesOf(page).flatMap((sample) => (sample.name === name ? (sample.labels.route ?? []) : [])));
    const pageWith = async (leaks: number): Promise<string> =>
      until(`${leaks} leaks on the page`, async () => {
        const page = await scrape(register);
        return valueOf(page, OPEN) === leaks ? page : undefined;
      });

    await Promise.all(Array.from({ length: 60 }, (_, i) => stage.visit(port, get(`/nonsense${i}`))));
    const flooded = await pageWith(60);
    expect(held(port)).toBe(60);
    expect(routes(flooded, OPEN).size, '50 and other').toBe(51);
    expect(valueOf(flooded, OPEN, { route: 'other' })).toBe(10);
    expect(guard.stats().unreported).toBe(40);

    for (let i = 0; i < 3; i++) await stage.visit(port, get('/checkout'));
    expect(valueOf(await pageWith(63), OPEN, { route: '/checkout' }), 'more than twice what one of them has').toBe(3);

    for (const socket of kept) socket.destroy();
    kept.clear();
    const empty = await pageWith(0);
    expect(valueOf(empty, TOTAL)).toBe(63);
    for (const route of routes(flooded, TOTAL)) expect(routes(empty, TOTAL), 'no total goes away').toContain(route);
    await stage.visit(port, get('/basket'));
    const page = await pageWith(1);
    expect(valueOf(page, OPEN, { route: '/basket' }), 'a place was given back').toBe(1);
    expect(valueOf(page, TOTAL, { route: '/basket' })).toBe(1);
    expect(valueOf(page, TOTAL)).toBe(64);
  });

  it('is one for all that the router does not know', async () => {
    const app = Fastify({ forceCloseConnections: true });
    stage.defer(() => app.close());
    const register = new Registry();
    await app.register(closeWaitGuard, {
      closeWaitTimeout: 300,
      sampleInterval: 50,
      metrics: { register },
    });
    const hang = async (): Promise<never> => new Promise(() => {});
    app.post('/known', hang);
    app.setNotFoundHandler(hang);
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    (app.server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
    await stage.visit(port, 'POST /known HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    for (const path of ['/a', '/b', '/c']) await stage.visit(port, get(path));
    const page = await until('four leaks', async () => {
      const now = await scrape(register);
      return valueOf(now, OPEN) === 4 ? now : undefined;
    });
    expect(valueOf(page, OPEN, { route: '/known' })).toBe(1);
    expect(valueOf(page, OPEN, { route: 'unmatched' })).toBe(3);
    expect(valueOf(page, TOTAL, { route: 'unmatched' })).toBe(3);
    expect(app.closeWaitGuard.leaks().map(({ route }) => route)).toEqual(
      expect.arrayContaining(['/known', '/a', '/b', '/c']),
    );
  });
});
