import dns from 'node:dns';
import net, { type Server } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import closeWaitGuard from '../../../src/index.js';
import { listenApp } from '../../support/fastify-app.js';
import { expectKernelAgrees, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { addLeakyRoute, leakOnce, leakyApp } from '../../support/leaky-app.js';
import { until } from '../../support/until.js';

/** `listen({ host: 'localhost' })` opens a server for each address of localhost; `fastify.server` is only the first. */
describe('an application that listens on two addresses', () => {
  const stage = stageOfEachTest();

  it('has server and route of leaks that came through either', async () => {
    const addresses = ['127.0.0.1', '::1'];
    // Only the name service is played: whether /etc/hosts has both addresses differs from machine to machine.
    const addressOf = (host: string) => (net.isIP(host) === 0 ? ['127.0.0.1', 4] : [host, net.isIP(host)]);
    const allOf = (host: string) =>
      (net.isIP(host) === 0 ? addresses : [host]).map((address) => ({ address, family: net.isIP(address) }));
    vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: [{ all?: boolean }?, (() => void)?]) => {
      const answer = rest.pop() as unknown as (error: null, ...found: unknown[]) => void;
      if (rest[0]?.all) answer(null, allOf(host));
      else answer(null, ...addressOf(host));
    }) as never);
    stage.defer(() => vi.restoreAllMocks());
    const app = leakyApp();
    await app.register(closeWaitGuard, { ...QUICK, metrics: false });
    addLeakyRoute(app);
    const accepting = new Set<unknown>();
    app.addHook(
      'onRequest',
      async (request) => void accepting.add((request.socket as unknown as { server: Server }).server),
    );
    const port = await listenApp(stage, app, 'localhost');

    const connections = new Set<net.Socket>();
    app.closeWaitGuard.on('leak', (_leak, socket) => socket && connections.add(socket));
    stage.defer(() => connections.forEach((socket) => socket.destroy()));
    for (const address of addresses) await leakOnce(stage, port, '/items/7', address);
    // The kernel has each request with its FIN; the loop comes to them in its own time.
    await until('two servers to accept', () => accepting.size === 2);
    await until('both leaks', () => app.closeWaitGuard.leaks().length === 2);

    const leaks = app.closeWaitGuard.leaks();
    expect(leaks.map(({ localAddress }) => localAddress).sort()).toEqual([...addresses].sort());
    for (const leak of leaks) {
      expect(leak).toMatchObject({ server: `http:${port}`, route: '/items/:id', localPort: port });
      expectKernelAgrees(leak);
    }
  });
});
