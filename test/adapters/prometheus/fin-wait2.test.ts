import { existsSync } from 'node:fs';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { createGuard } from '../../../src/guard/guard.js';
import { FinWait2ByHost, MAX_DESTINATIONS } from '../../../src/guard/fin-wait2-by-host.js';
import { FIN_WAIT2, kernelRow, kernelRows } from '../../support/kernel-view.js';
import { stageOfEachTest, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';

/** More than streams buffer: some of it stays in the kernel's queue. */
const UNREAD = Buffer.alloc(1024 * 1024);

describe('outbound FIN_WAIT_2, by the host that owes the FIN', () => {
  const stage = stageOfEachTest();

  /** A server that never closes. */
  async function neverCloses(host = '127.0.0.1'): Promise<number> {
    return stage.listen(
      net.createServer({ allowHalfOpen: true }, (socket) => socket.resume()),
      host,
    );
  }

  /** A connection that is on the watch. */
  async function connected(guard: ReturnType<typeof createGuard>, port: number, host: string): Promise<net.Socket> {
    const socket = net.connect({ port, host });
    stage.defer(() => socket.destroy());
    const before = guard.stats().watched;
    await until('the watch', () => socket.readyState === 'open' && guard.stats().watched > before);
    return socket;
  }

  const owed = (guard: ReturnType<typeof createGuard>): Record<string, number | undefined> =>
    Object.fromEntries(guard.stats().destinations.map(({ destination, finWait2 }) => [destination, finWait2]));

  function guarded(on: Stage): ReturnType<typeof createGuard> {
    const guard = createGuard({ sampleInterval: 20 });
    on.defer(() => guard.close());
    return guard;
  }

  it('is counted by name while the fd is open, when it is closed, and until the host closes', async () => {
    const guard = guarded(stage);
    const port = await neverCloses();
    const named = await connected(guard, port, 'localhost');
    const localPort = named.localPort!;
    expect(owed(guard)).toEqual({});
    named.end();
    await until('FIN_WAIT_2', () => kernelRow(localPort, port)?.state === FIN_WAIT2);
    await until('the count', () => owed(guard).localhost === 1);
    named.destroy();
    await until('the orphan', () => kernelRow(localPort, port)?.inode === 0);
    expect(kernelRow(localPort, port)?.state).toBe(FIN_WAIT2);
    // A census is a second old at most.
    await until('nothing else to be counted', () => owed(guard).localhost === 1);
  });

  it('is no longer owed where this end has not read what came', async () => {
    const guard = guarded(stage);
    const port = await stage.listen(net.createServer({ allowHalfOpen: true }, (socket) => socket.write(UNREAD)));
    const socket = await connected(guard, port, '127.0.0.1');
    socket.pause();
    const localPort = socket.localPort!;
    socket.end();
    await until('FIN_WAIT_2', () => kernelRow(localPort, port)?.state === FIN_WAIT2);
    expect(kernelRow(localPort, port)?.receiveQueue).toBeGreaterThan(0);
    // One that is owed, later: when that is counted, the other had its time.
    const other = await connected(guard, await neverCloses('127.0.0.2'), '127.0.0.2');
    other.end();
    await until('the count', () => owed(guard)['127.0.0.2'] === 1);
    expect(owed(guard)).toEqual({ '127.0.0.2': 1 });
  });

  it('is not what another program has to a host that this one does not know, and not what clients owe', async () => {
    const guard = guarded(stage);
    const server = net.createServer((socket) => socket.end());
    const port = await stage.listen(server);
    guard.watch(server, { name: 'smtp' });
    const client = await stage.connect(port);
    await until('FIN_WAIT_2', () => kernelRow(port, client.port)?.state === FIN_WAIT2);
    await until('the count', () => guard.stats().listeners[0]?.finWait2 === 1);
    expect(Object.values(owed(guard)).reduce((sum, count) => sum! + count!, 0)).toBe(0);
  });

  it.for(['127.0.0.1', '::1'])('is a row of its own on the page: %s', async (host, { skip }) => {
    skip(host.includes(':') && !existsSync('/proc/net/if_inet6'), 'this kernel has no IPv6');
    const { Registry } = await import('prom-client');
    const register = new Registry();
    const guard = guarded(stage);
    stage.defer(collectGuardMetrics(guard, { register }));
    const port = await neverCloses(host);
    const socket = await connected(guard, port, host);
    socket.end();
    await until('FIN_WAIT_2', () => kernelRows().some((row) => row.remotePort === port && row.state === FIN_WAIT2));
    await until('the count', () => owed(guard)[host] === 1);
    const page = await register.metrics();
    expect(page).toContain(`tcp_fin_wait2_sockets{server="",destination="${host}"} 1`);
    socket.destroy();
  });

  it('has 50 hosts at most, and all others in one', () => {
    const byHost = new FinWait2ByHost();
    const many = new Map(Array.from({ length: MAX_DESTINATIONS + 3 }, (_, i) => [`h${i}`, 2]));
    expect(byHost.list(undefined)).toEqual([]);
    const first = byHost.list(many);
    expect(first).toHaveLength(MAX_DESTINATIONS + 1);
    expect(first.at(-1)).toEqual({ destination: 'other', finWait2: 6 });
    const later = byHost.list(new Map([[`h${MAX_DESTINATIONS}`, 7]]));
    expect(later[0]).toEqual({ destination: 'h0', finWait2: 0 });
    expect(later.at(-1)).toEqual({ destination: 'other', finWait2: 7 });
    expect(byHost.list(undefined)[0]).toEqual({ destination: 'h0', finWait2: undefined });
  });
});
