import net from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { Guard } from '../../../src/guard/guard.js';
import { internalsOf } from '../../../src/guard/internals.js';
import { createObserver } from '../../../src/guard/observer.js';
import { findLeakedSockets } from '../../../src/testing.js';
import { CLOSE_WAIT, ESTABLISHED, kernelRow, kernelRows } from '../../support/kernel-view.js';
import { expectKernelAgrees } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { connected, ENDLESS, forgetful, halfClosed, QUICK, type Connection } from './connections.js';

const FIN_WAIT1 = '04';

const stage = stageOfEachTest();

/** A connection over which the client has sent more than the server, which reads nothing, has room for. */
async function fullWindow(): Promise<Connection & { guard: Guard }> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const { socket, client, port } = await connected(stage, server);
  client.say(Buffer.alloc(4_000_000));
  const guard = createObserver({ sampleInterval: 0 });
  stage.defer(() => guard.close());
  await until('the receive window to be full', () => guard.sockets().some(({ kind }) => kind === 'stalled'));
  expect(kernelRow(client.port, port)!.sendQueue, 'bytes the kernel could not deliver').toBeGreaterThan(0);
  return { guard, socket, client, port };
}

describe('finds', () => {
  it('nothing when there is no connection', async () => {
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
  });

  it('nothing when both ends are open', async () => {
    const port = await stage.listen(forgetful());
    await stage.connect(port);
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
  });

  it('an inbound socket, although no guard was there when it was accepted', async () => {
    const { port } = await halfClosed(stage, forgetful());
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([
      { kind: 'close-wait', cause: 'half-open-not-ended', side: 'inbound', localPort: port, server: `net:${port}` },
    ]);
    expectKernelAgrees(leaks[0]!);
    expect(leaks[0]).not.toHaveProperty('leaked');
  });

  it('an outbound socket', async () => {
    const port = await stage.listen(net.createServer((socket) => socket.end('x'.repeat(100_000))));
    const client = await stage.connect(port, '127.0.0.1', { read: false });
    const row = () => kernelRow(client.port, port)?.state;
    await until('the FIN of the server to arrive', () => row() === CLOSE_WAIT);
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([
      { kind: 'close-wait', side: 'outbound', remotePort: port, destination: `127.0.0.1:${port}` },
    ]);
    expectKernelAgrees(leaks[0]!);
  });

  it('a reset socket whose fd is open', async () => {
    const server = net.createServer({ pauseOnConnect: true });
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say('hello');
    await until('the bytes to arrive', () => (kernelRow(port, client.port)?.receiveQueue ?? 0) > 0);
    await client.reset();
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([{ kind: 'reset', side: 'inbound' }]);
    expectKernelAgrees(leaks[0]!);
  });

  it('a socket whose client has just closed, and whose FIN waits behind unread data', async () => {
    const { guard, socket, client, port } = await fullWindow();
    const clientPort = client.port;
    expect(internalsOf(guard).socketsAwaitingFin()).toEqual(new Set());
    client.socket.destroy();
    await until('the client to close', () => kernelRow(clientPort, port)?.state === FIN_WAIT1);
    expect(kernelRow(port, clientPort)).toMatchObject({ state: ESTABLISHED });
    expect(internalsOf(guard).socketsAwaitingFin().size).toBe(1);

    let looks = 0;
    const ignore = (): boolean => {
      // The FIN comes late in the time that is given to it, and then the deadline begins anew for the close.
      if (++looks === 10) socket.resume();
      return false;
    };
    // What the kernel had to drop is sent again after up to 1.6 s, and the socket is to have stood still for half the deadline.
    const leaks = await findLeakedSockets({ deadlineMs: 3_000, ignore });
    expect(leaks).toMatchObject([{ kind: 'close-wait', cause: 'half-open-not-ended', localPort: port }]);
    expect(internalsOf(guard).socketsAwaitingFin()).toEqual(new Set());
  });

  it('one that nobody reads, in one deadline', async () => {
    const { client, port } = await fullWindow();
    const clientPort = client.port;
    client.socket.destroy();
    await until('the client to close', () => kernelRow(clientPort, port)?.state === FIN_WAIT1);
    let looks = 0;
    const ignore = (): boolean => {
      looks++;
      return false;
    };
    expect(await findLeakedSockets({ deadlineMs: 600, ignore })).toMatchObject([{ kind: 'stalled', localPort: port }]);
    // At 0, 5, 15, 35, 75, 155, 255, 355, 455, 555 and 600 ms.
    expect(looks).toBe(11);
  });

  it('a socket whose client ended it in this very turn of the loop', async () => {
    const { client, port } = await connected(stage, forgetful());
    client.socket.end();
    expect(kernelRow(port, client.port)).toMatchObject({ state: ESTABLISHED });
    expect(await findLeakedSockets(QUICK)).toMatchObject([{ localPort: port }]);
  });

  it('a stalled socket whose client has closed', async () => {
    const { client, port } = await fullWindow();
    const clientPort = client.port;
    client.socket.destroy();
    await until('the client to close', () => kernelRow(clientPort, port)?.state === FIN_WAIT1);
    const leaks = await findLeakedSockets(QUICK);
    expect(leaks).toMatchObject([{ kind: 'stalled', side: 'inbound', localPort: port, state: 'ESTABLISHED' }]);
    expect(kernelRow(port, clientPort)).toMatchObject({ state: ESTABLISHED });
    expect(await findLeakedSockets({ ...ENDLESS, ignore: [leaks[0]!.id] })).toEqual([]);
  });

  it('a stalled socket whose client is still there only when strict', async () => {
    const { client, port } = await fullWindow();
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
    expect(await findLeakedSockets({ ...QUICK, strict: true })).toMatchObject([{ kind: 'stalled', localPort: port }]);
    expect(kernelRow(client.port, port)).toMatchObject({ state: ESTABLISHED });
  });

  it('leaks with fake timers installed', async () => {
    await halfClosed(stage, forgetful());
    vi.useFakeTimers();
    stage.defer(() => vi.useRealTimers());
    expect(await findLeakedSockets(QUICK)).toHaveLength(1);
  });
});

describe('a close under way', () => {
  it('is no leak, and ends the search at once', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.resume();
      socket.on('end', () => setTimeout(() => socket.end(), 100));
    });
    const { port, client } = await halfClosed(stage, server);
    expect(kernelRow(port, client.port)).toMatchObject({ state: CLOSE_WAIT });
    expect(await findLeakedSockets(ENDLESS)).toEqual([]);
    expect(kernelRows().filter((row) => row.localPort === port && row.state === CLOSE_WAIT)).toEqual([]);
  });

  it('is no leak either when the loop was blocked through the whole deadline', async () => {
    const { port, client } = await halfClosed(
      stage,
      net.createServer((socket) => socket.resume()),
    );
    const search = findLeakedSockets({ deadlineMs: 50 });
    block(200);
    expect(await search).toEqual([]);
    expect(kernelRow(port, client.port)?.state).not.toBe(CLOSE_WAIT);
  });

  it('is no leak either when it arrived while the loop was blocked, just before the last look', async () => {
    const { port } = await halfClosed(stage, forgetful());
    const late = await connected(
      stage,
      net.createServer((socket) => socket.resume()),
    );
    let looks = 0;
    const ignore = (): boolean => {
      looks++;
      // The pauses are 5, 10, 20, 40, 80 and 45 ms, and a look before each. This is the last but one: its pause ends in the
      // same timers phase as the timer below, with no poll phase between them.
      if (looks === 7) {
        setTimeout(() => {
          late.client.socket.destroy();
          block(150);
        }, 45);
      }
      return false;
    };
    const search = findLeakedSockets({ deadlineMs: 200, ignore });
    expect(await search).toMatchObject([{ localPort: port }]);
    expect(looks).toBe(8);
  });

  it('is taken for a leak with a deadline of 0 and no end to it', async () => {
    await halfClosed(stage, forgetful());
    expect(await findLeakedSockets({ deadlineMs: 0 })).toHaveLength(1);
  });
});

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
