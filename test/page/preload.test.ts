import { describe, expect, it } from 'vitest';
import type { SocketsPageData } from '../../src/page/data.js';
import { freePort, listening } from '../support/metrics-port.js';
import { ask, askForData } from '../support/page.js';
import { end, PRELOAD, start } from '../support/preloaded.js';
import { runNode } from '../support/programs.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';

const SELDOM = { timeoutMs: 30_000, everyMs: 200 };

describe('CLOSE_WAIT_GUARD_INSPECTOR_ROUTE', () => {
  const stage = stageOfEachTest();

  const dataWith = (port: number, what: string, isSo: (data: SocketsPageData) => boolean): Promise<SocketsPageData> =>
    until(
      what,
      async () => {
        const data = await askForData(port);
        return isSo(data) ? data : undefined;
      },
      SELDOM,
    );

  it('serves the page at the metrics port, to loopback names alone, and keeps nothing alive', async () => {
    const port = await freePort(stage);
    const { child } = await start(stage, 'leaky-server.mjs', {
      CLOSE_WAIT_GUARD_METRICS_PORT: String(port),
      CLOSE_WAIT_GUARD_INSPECTOR_ROUTE: '/debug/sockets',
    });
    await listening(port);
    const data = await dataWith(port, 'the leak', ({ totals }) => totals.open === 1);
    expect(data.groups[0]).toMatchObject({ count: 1, oldest: { pid: child.pid, leak: { cause: 'never-read' } } });
    expect((await ask(port, { headers: { accept: 'text/html' } })).body).toMatch(/^<!doctype html>/);
    expect((await ask(port, { headers: { host: 'evil.test' } })).status).toBe(403);
    expect((await ask(port, { path: '/metrics' })).body).toContain('close_wait_leaked_sockets');
    expect((await ask(port, { path: '/other' })).body).toBe('Not here: GET /metrics or /debug/sockets\n');
    child.kill('SIGUSR2');
    await dataWith(port, 'the leak to be closed', ({ ended }) => ended[0]?.event === 'released');
    expect(await end(child)).toBe(0);
  });

  it('is off without it', async () => {
    const port = await freePort(stage);
    await start(stage, 'leaky-server.mjs', { CLOSE_WAIT_GUARD_METRICS_PORT: String(port) });
    await listening(port);
    const { status, body } = await ask(port);
    expect({ status, body }).toEqual({ status: 404, body: 'Not here: GET /metrics\n' });
  });

  it('in a cluster: one page of all workers, equal leaks as one', async () => {
    const metricsPort = await freePort(stage);
    const { child, printed, stderr } = await start(stage, 'cluster-preloaded.mjs', {
      CLOSE_WAIT_GUARD_METRICS_PORT: String(metricsPort),
      CLOSE_WAIT_GUARD_INSPECTOR_ROUTE: '/debug/sockets',
    });
    await listening(metricsPort);
    for (let i = 0; i < 6; i++) await stage.visit(printed.port, 'hello');
    const data = await dataWith(metricsPort, 'six leaks', ({ totals }) => totals.open === 6);
    expect(data.processes.map(({ pid }) => pid).sort()).toEqual([child.pid, ...printed.workers].sort());
    expect(data.groups.map(({ count }) => count)).toEqual([6]);
    expect(printed.workers).toContain(data.groups[0]!.oldest.pid);
    expect(stderr()).not.toContain('Warning');
  });

  it.each([
    ['debug', '9', /INSPECTOR_ROUTE is "debug"; it takes a path that starts with '\/', .*; it is left out/],
    ['/metrics', '9', /INSPECTOR_ROUTE is "\/metrics"; it takes .* and not \/metrics; it is left out/],
    ['/a?b', '9', /INSPECTOR_ROUTE is "\/a\?b"/],
    ['/debug/sockets', '', /INSPECTOR_ROUTE is "\/debug\/sockets", and CLOSE_WAIT_GUARD_METRICS_PORT says no port/],
  ])('%s, with the port %j: a warning, and the program runs', async (route, port, warning) => {
    const { code, stdout, stderr } = await runNode([...PRELOAD, '-p', '6 * 7'], {
      CLOSE_WAIT_GUARD_INSPECTOR_ROUTE: route,
      CLOSE_WAIT_GUARD_METRICS_PORT: port === '' ? '' : String(await freePort(stage)),
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' });
    expect(stderr).toMatch(warning);
  });
});
