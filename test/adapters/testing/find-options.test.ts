import http from 'node:http';
import net, { type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findLeakedSockets } from '../../../src/testing.js';
import { listenApp } from '../../support/fastify-app.js';
import { expectKernelAgrees } from '../../support/reports.js';
import { get, stageOfEachTest } from '../../support/stage.js';
import { addLeakyRoute, leakOnce, leakyApp } from '../../support/leaky-app.js';
import { until } from '../../support/until.js';
import { connected, ENDLESS, forgetful, halfClosed, QUICK } from './connections.js';

const stage = stageOfEachTest();

describe('progress', () => {
  /** Takes 100 bytes from a half-closed socket every 10 ms, for longer than any search here. */
  async function slowReader(forMs = Infinity): Promise<void> {
    const server = net.createServer({ allowHalfOpen: true });
    const { socket, client } = await connected(stage, server);
    client.say(Buffer.alloc(60_000));
    await client.halfClose();
    const startedAt = performance.now();
    const timer = setInterval(() => {
      if (performance.now() - startedAt < forMs || socket.bytesRead === 0) socket.read(100);
    }, 10);
    stage.defer(() => clearInterval(timer));
    await until('the reader to read', () => socket.bytesRead > 0);
  }

  it('is no leak', async () => {
    await slowReader();
    expect(await findLeakedSockets(QUICK)).toEqual([]);
  });

  it('is a leak when strict', async () => {
    await slowReader();
    expect(await findLeakedSockets({ ...QUICK, strict: true })).toHaveLength(1);
  });

  it('that stopped in the first half of the deadline is a leak', async () => {
    await slowReader(200);
    expect(await findLeakedSockets({ deadlineMs: 1_000 })).toHaveLength(1);
  });
});

describe('ignore', () => {
  it('leaves out the leaks with these ids', async () => {
    await halfClosed(stage, forgetful());
    const [first] = await findLeakedSockets(QUICK);
    const { port } = await halfClosed(stage, forgetful());
    expect(await findLeakedSockets({ ...QUICK, ignore: [first!.id] })).toMatchObject([{ localPort: port }]);
  });

  it('leaves out the leaks that a function names, and does not wait for them', async () => {
    const { port } = await halfClosed(stage, forgetful());
    expect(await findLeakedSockets({ ...ENDLESS, ignore: (leak) => leak.server === `net:${port}` })).toEqual([]);
  });

  it('what that function throws is thrown', async () => {
    await halfClosed(stage, forgetful());
    const ignore = () => {
      throw new Error('not so fast');
    };
    await expect(findLeakedSockets({ ignore })).rejects.toThrow('not so fast');
  });
});

describe('server', () => {
  it('one or several: only their connections, whatever else leaks', async () => {
    const [one, two, three] = [forgetful(), forgetful(), forgetful()];
    const ports = [];
    for (const server of [one, two, three]) ports.push((await halfClosed(stage, server)).port);
    const found = async (server: Server | Server[]) =>
      (await findLeakedSockets({ ...QUICK, server })).map(({ localPort }) => localPort).sort();
    expect(await found(two)).toEqual([ports[1]]);
    expect(await found([one, three])).toEqual([ports[0], ports[2]].sort());
  });

  it('a Fastify instance', async () => {
    const app = leakyApp();
    addLeakyRoute(app);
    const port = await listenApp(stage, app);
    await halfClosed(stage, forgetful());
    await leakOnce(stage, port, '/items/7');
    const leaks = await findLeakedSockets({ ...QUICK, server: app });
    expect(leaks).toMatchObject([{ cause: 'request-body-not-read', method: 'POST', localPort: port }]);
    expectKernelAgrees(leaks[0]!);
  });

  it('what a Fastify instance listens on beside its server', async () => {
    const [first, second, other] = [forgetful(), forgetful(), forgetful()];
    const ports = [];
    for (const server of [first, second, other]) ports.push((await halfClosed(stage, server)).port);
    const app = { server: first, addresses: () => [first.address(), second.address(), '/run/app.sock', null] };
    const leaks = await findLeakedSockets({ ...QUICK, server: app });
    expect(leaks.map(({ localPort }) => localPort).sort()).toEqual(ports.slice(0, 2).sort());
  });

  it('an http server that answers is clean', async () => {
    const server = http.createServer((_request, response) => response.end('ok'));
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say(get('/'));
    await until('the answer', () => client.text.includes('ok'));
    await client.close();
    expect(await findLeakedSockets({ ...ENDLESS, server })).toEqual([]);
  });
});
