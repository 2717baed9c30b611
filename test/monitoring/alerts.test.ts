import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { alerts } from '../../scripts/monitoring/alerts.mjs';
import { queries } from '../../scripts/monitoring/dashboard.mjs';
import { missing, MonitoringStack } from '../../scripts/monitoring/stack.mjs';
import { CLOSE_WAIT, kernelRow } from '../support/kernel-view.js';
import { environmentOfAUser, root } from '../support/programs.js';
import { until } from '../support/until.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

const others = alerts.filter(({ name }) => name !== 'CloseWaitLeak');

/** What no service here can be brought to at will: a page as one would show it. */
const standInPage = (isWell: boolean, failures: number): string => `
close_wait_guard_info{version="0.1.0",supported="${isWell}"} 1
close_wait_guard_last_sample_timestamp_seconds ${Date.now() / 1_000 - (isWell ? 1 : 600)}
tcp_accept_queue_sockets{server="http:3000"} ${isWell ? 0 : 512}
tcp_accept_queue_limit{server="http:3000"} 511
close_wait_guard_errors_total{operation="sock_diag"} ${failures}
`;

const NEVER_ACCEPTS = `
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1)
print(s.getsockname()[1], flush=True)
time.sleep(60)`;

interface Service {
  readonly child: ChildProcess;
  readonly port: number;
  /** Of its server that closes each connection at once. */
  readonly smtp: number;
}

describe('a real Prometheus and Alertmanager', { timeout: 90_000 }, () => {
  const monitoring = new MonitoringStack();
  const sockets: Socket[] = [];
  const children: ChildProcess[] = [];
  const servers: net.Server[] = [];
  let isWell = false;
  let failures = 0;
  let knocking: NodeJS.Timeout | undefined;
  const page = http.createServer((_request, response) => {
    if (!isWell) failures++;
    response.setHeader('content-type', 'text/plain').end(standInPage(isWell, failures));
  });
  let leaking: Service;
  let reclaiming: Service;
  let standIn = 0;

  /** A service with few file descriptors, or as many as this process may have. */
  async function serve(arg = '', limit = 'unlimited'): Promise<Service> {
    const command = `${limit === 'unlimited' ? '' : `ulimit -n ${limit};`} exec ${process.execPath} test/monitoring/leaks.mjs ${arg}`;
    const child = spawn('bash', ['-c', command], {
      ...{ cwd: root, env: environmentOfAUser(), stdio: ['ignore', 'pipe', 'inherit'] },
    });
    children.push(child);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const [port = 0, smtp = 0] = String(line).split(' ').map(Number);
    return { child, port, smtp };
  }

  /** A client, reset perhaps when its server ends. */
  async function connect(port: number): Promise<Socket> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** A client that asks and leaves. */
  async function leak({ port }: Service): Promise<number> {
    const socket = await connect(port);
    socket.end(`GET /orders/7 HTTP/1.1\r\nHost: shop\r\ntraceparent: 00-${TRACE}-00f067aa0ba902b7-01\r\n\r\n`);
    return socket.localPort!;
  }

  /** Asks a service for what makes it leak an outbound socket: a server answers, and closes. */
  async function leakOutbound(service: Service): Promise<void> {
    const upstream = net.createServer((socket) =>
      socket.on('error', () => undefined).end(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(200_000)}`),
    );
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    servers.push(upstream);
    await at(service, `/fetch/${(upstream.address() as AddressInfo).port}`);
  }

  /** Fills the accept queue of a process that accepts nothing, and goes on knocking. */
  async function overflow(): Promise<void> {
    const python = spawn('python3', ['-c', NEVER_ACCEPTS], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(python);
    const [line] = (await once(python.stdout, 'data')) as [Buffer];
    knocking = setInterval(() => {
      sockets.push(net.connect({ port: Number(String(line)), host: '127.0.0.1' }).on('error', () => undefined));
    }, 100);
  }

  const at = ({ port }: Service, path: string, method = 'GET'): Promise<string> =>
    fetch(`http://127.0.0.1:${port}${path}`, { method }).then((response) => response.text());
  const instance = ({ port }: Service): { instance: string } => ({ instance: `127.0.0.1:${port}` });

  beforeEach((context) => {
    context.skip(missing !== undefined, missing);
  });

  beforeAll(async () => {
    if (missing !== undefined) return;
    page.listen(0, '127.0.0.1');
    await once(page, 'listening');
    standIn = (page.address() as AddressInfo).port;
    [leaking, reclaiming] = await Promise.all([serve('', '400'), serve('reclaim')]);
    await monitoring.start([leaking.port, reclaiming.port, standIn]);
    await until('all pages to be scraped', async () => (await monitoring.query('sum(up)'))[0]?.value[1] === '3', {
      timeoutMs: 20_000,
    });
  }, 60_000);

  afterAll(async () => {
    clearInterval(knocking);
    for (const socket of sockets) socket.destroy();
    for (const child of children) child.kill('SIGKILL');
    for (const server of servers) server.close();
    page.close();
    page.closeAllConnections();
    await monitoring.stop();
  });

  it('a leak goes pending, fires with its labels, and resolves when it is closed', async () => {
    const client = await leak(leaking);
    await until('the leak to be pending', async () =>
      (await monitoring.alerts()).some(
        ({ labels, state }) => labels.alertname === 'CloseWaitLeak' && state === 'pending',
      ),
    );
    expect(kernelRow(leaking.port, client)?.state).toBe(CLOSE_WAIT);
    const fired = await monitoring.notice('firing', { alertname: 'CloseWaitLeak', ...instance(leaking) });
    expect(fired.labels).toMatchObject({
      ...{ job: 'shop', severity: 'warning', kind: 'close-wait', cause: 'response-not-ended', side: 'inbound' },
      ...{ route: '/orders/:id', method: 'GET', server: `http:${leaking.port}` },
    });
    expect(fired.annotations.description).toBe(
      `127.0.0.1:${leaking.port} leaks sockets: 1 x response-not-ended, GET /orders/:id, server http:${leaking.port} (inbound, close-wait). Fix: answer on every path, and give the answer a time limit.`,
    );
    expect(fired.annotations.runbook_url).toMatch(/\/docs\/runbook\.md#closewaitleak$/);
    await at(leaking, '/release', 'POST');
    await until('the kernel to have it no more', () => kernelRow(leaking.port, client) === undefined);
    await monitoring.notice('resolved', { alertname: 'CloseWaitLeak', ...instance(leaking) });
  });

  it('exemplars lead to the trace of the request that leaked', async () => {
    for (const metric of ['close_wait_leaks_total', 'close_wait_duration_seconds_bucket']) {
      const series = await until(`exemplars of ${metric}`, async () => (await monitoring.exemplars(metric))[0]);
      expect(series.exemplars[0]?.labels).toEqual({ trace_id: TRACE, span_id: '00f067aa0ba902b7' });
    }
  });

  it('every other alert goes pending where it is to last, and fires, with the instance that it is about', async () => {
    await Promise.all([leakOutbound(leaking), leak(reclaiming), overflow()]);
    for (let i = 0; i < 1_100; i++) await connect(leaking.smtp);
    // One after the other: growth is what some of the alerts look at.
    for (let i = 0; i < 300; i++) await leak(leaking);
    const fired = await Promise.all(others.map(({ name }) => monitoring.notice('firing', { alertname: name })));
    expect(fired.map(({ labels }) => [labels.alertname, labels.instance])).toEqual(
      others.map(({ name }) => [name, expect.any(String)]),
    );
    const pending = await monitoring.query('count by (alertname) (last_over_time(ALERTS{alertstate="pending"}[1h]))');
    expect(pending.map(({ metric }) => metric.alertname)).toEqual(
      expect.arrayContaining(others.filter((alert) => alert.for !== '0m').map(({ name }) => name)),
    );
  });

  it('every panel of the dashboard has data', async () => {
    for (const { title, expr } of queries()) {
      const asked = expr.replaceAll('$job', '.*').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '5m');
      expect(await monitoring.query(asked), `${title}: ${asked}`).not.toEqual([]);
    }
  });

  it('every other alert resolves when what it is about is over', async () => {
    clearInterval(knocking);
    isWell = true;
    for (const socket of sockets) socket.destroy();
    await at(leaking, '/release', 'POST');
    await Promise.all(others.map(({ name }) => monitoring.notice('resolved', { alertname: name })));
    await until('nothing to fire any more', async () => (await monitoring.alerts()).length === 0, {
      timeoutMs: 30_000,
    });
  });
});
