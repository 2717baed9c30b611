import net, { type Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { createGuard, type Guard } from '../../../src/guard/guard.js';
import { createObserver } from '../../../src/guard/observer.js';
import type { ReclaimOptions } from '../../../src/guard/options.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import {
  CLOSE_WAIT,
  ESTABLISHED,
  isListed,
  kernelRow,
  kernelRows,
  openFds,
  socketInode,
} from '../../support/kernel-view.js';
import { QUICK, Reclaims } from '../../support/reports.js';
import { stageOfEachTest, type Client } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();

function reclaiming(reclaim: boolean | ReclaimOptions): { guard: Guard; seen: Reclaims } {
  const guard = createGuard({ ...QUICK, reclaim });
  stage.defer(() => guard.close());
  return { guard, seen: new Reclaims(guard) };
}

/** A server that never reads; what it accepts is kept in `accepted`, by the client's port. */
async function neverReads(): Promise<{ port: number; accepted: Map<number, Socket> }> {
  const accepted = new Map<number, Socket>();
  const server = net.createServer({ pauseOnConnect: true }, (socket) => accepted.set(socket.remotePort ?? 0, socket));
  return { port: await stage.listen(server), accepted };
}

const isReclaimed = (seen: Reclaims, client: Client) => () =>
  seen.reclaimed.find(({ leak }) => leak.remotePort === client.port);
const isLeaked = (seen: Reclaims, client: Client) => () =>
  seen.leaks.find(({ leak }) => leak.remotePort === client.port);

/** Still half-closed, with an fd of this process on it. */
function expectUntouched(port: number, client: Client): void {
  const row = kernelRow(port, client.port);
  expect(row?.state).toBe(CLOSE_WAIT);
  expect([...openFds().values()]).toContain(`socket:[${row?.inode}]`);
}

describe('reclaim waits', () => {
  it('for afterMs from the moment a socket became a leak', async () => {
    const { seen } = reclaiming({ afterMs: 600 });
    const { port } = await neverReads();
    const client = await stage.visit(port, 'hello');
    await until('the leak', isLeaked(seen, client));
    expect(seen.reclaimed).toEqual([]);
    expectUntouched(port, client);
    const { leak } = await until('the reclaim', isReclaimed(seen, client));
    expect(leak.idleMs).toBeGreaterThanOrEqual(QUICK.closeWaitTimeout + 600);
    expect(seen.leaks).toHaveLength(1);
  });

  it('anew when the leak makes progress before that', async () => {
    const { guard, seen } = reclaiming({ afterMs: 700 });
    const { port, accepted } = await neverReads();
    // More than the stream buffers, so that reading a little of it does not end it.
    const client = await stage.connect(port);
    client.say(Buffer.alloc(120_000));
    await client.close();
    await until('the leak', isLeaked(seen, client));
    const socket = accepted.get(client.port)!;
    socket.on('readable', () => {});
    const readSome = setInterval(() => socket.read(1_000), 100);
    stage.defer(() => clearInterval(readSome));
    // A second leak, later than the first: once that is gone, the first would be too but for its progress.
    const other = await stage.visit(port, 'hello');
    await until('the reclaim of the other', isReclaimed(seen, other));
    expect(seen.reclaimed.map(({ leak }) => leak.remotePort)).toEqual([other.port]);
    expectUntouched(port, client);
    const report = guard.leaks().find(({ remotePort }) => remotePort === client.port)!;
    expect(report.idleMs).toBeLessThan(report.ageMs);
  });
});

describe('reclaim takes', () => {
  it('only leaks of the kinds it is given', async () => {
    const { guard, seen } = reclaiming({ kinds: ['reset'] });
    const { port } = await neverReads();
    const closed = await stage.visit(port, 'hello');
    await until('the leak', isLeaked(seen, closed));
    const reset = await stage.connect(port);
    reset.say('hello');
    // From a socket that is reset before that, the kernel tells no port any more.
    await until('the guard to have it on its watch', () => guard.stats().pending === 0);
    await until('the bytes to arrive', () => kernelRow(port, reset.port)?.receiveQueue === 5);
    await reset.reset();
    const { leak } = await until('the reset one to be reclaimed', isReclaimed(seen, reset));
    const inode = seen.leaks.find((each) => each.leak.id === leak.id)!.inode!;
    expect(leak).toMatchObject({ kind: 'reset', state: 'CLOSE' });
    expect(isListed(inode), 'a reset socket is in no TCP table').toBe(false);
    expect([...openFds().values()]).not.toContain(`socket:[${inode}]`);
    expect(guard.stats().reclaimed).toEqual({ 'close-wait': 0, reset: 1, stalled: 0 });
    expectUntouched(port, closed);
  });

  it('a leak that moves into a kind it is given', async () => {
    const { seen } = reclaiming({ kinds: ['reset'] });
    const { port, accepted } = await neverReads();
    const client = await stage.visit(port, 'hello');
    const { leak } = await until('the leak', isLeaked(seen, client));
    expect(leak.kind).toBe('close-wait');
    const socket = accepted.get(client.port)!;
    socket.on('error', () => {});
    socket.write('anybody there?');
    const reclaimed = await until('the reclaim', isReclaimed(seen, client));
    expect(reclaimed.leak).toMatchObject({ id: leak.id, kind: 'reset' });
    expect(reclaimed.inode).not.toBe(seen.leaks[0]!.inode);
  });

  it('what the filter lets it, which sees the report', async () => {
    const asked: LeakReport[] = [];
    const protectedPorts = new Set<number>();
    const { seen } = reclaiming({
      filter: (leak) => {
        asked.push(leak);
        return !protectedPorts.has(leak.remotePort!);
      },
    });
    const { port } = await neverReads();
    const left = await stage.connect(port);
    protectedPorts.add(left.port);
    left.say('hello');
    await left.close();
    await until('the leak', isLeaked(seen, left));
    const taken = await stage.visit(port, 'hello');
    await until('the reclaim', isReclaimed(seen, taken));
    expectUntouched(port, left);
    expect(seen.reclaimed.map(({ leak }) => leak.remotePort)).toEqual([taken.port]);
    expect(asked).toContainEqual(expect.objectContaining({ cause: 'paused', localPort: port, remotePort: left.port }));
  });

  it('nothing that the filter throws at, and counts that', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    stage.defer(() => warning.mockRestore());
    let broken = 0;
    const { guard, seen } = reclaiming({
      filter: (leak) => {
        if (leak.remotePort === broken) throw new Error('a bug in the filter');
        return true;
      },
    });
    const { port } = await neverReads();
    const left = await stage.connect(port);
    broken = left.port;
    left.say('hello');
    await left.close();
    await until('the leak', isLeaked(seen, left));
    await until('the reclaim of another', isReclaimed(seen, await stage.visit(port, 'hello')));
    expectUntouched(port, left);
    expect(guard.stats().errors).toMatchObject({ sample: 0 });
    expect(guard.stats().errors.callback).toBeGreaterThan(0);
    expect(warning.mock.calls.filter(([text]) => String(text).includes('a bug in the filter'))).toHaveLength(1);
  });

  it('the whole connection, so that a client that has only half-closed it is told', async () => {
    const { seen } = reclaiming(true);
    // Read to its end: with nothing unread, a mere close() would send it a FIN.
    const port = await stage.listen(net.createServer({ allowHalfOpen: true }, (socket) => socket.resume()));
    const client = await stage.connect(port);
    client.say('hello');
    await client.halfClose();
    const { leak } = await until('the reclaim', isReclaimed(seen, client));
    expect(leak.cause).toBe('half-open-not-ended');
    await until('the client to be told', () => client.socket.destroyed);
    expect(client.errors).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(kernelRow(client.port, port)).toBeUndefined();
  });

  it('all of fifty', async () => {
    const guard = createGuard({ ...QUICK, reclaim: true });
    stage.defer(() => guard.close());
    const reclaimed: LeakReport[] = [];
    guard.on('reclaimed', (leak) => reclaimed.push(leak));
    const { port, accepted } = await neverReads();
    const clients: Client[] = [];
    for (let i = 0; i < 50; i++) clients.push(await stage.connect(port));
    await until('fifty connections', () => accepted.size === 50);
    const before = openFds().size;
    for (const client of clients) client.socket.end('hello');
    await until(
      'fifty FINs to arrive',
      () => !kernelRows().some((row) => row.localPort === port && row.state === ESTABLISHED),
    );
    for (const client of clients) client.socket.destroy();
    await until('fifty reclaims', () => reclaimed.length >= 50);
    expect(reclaimed.map(({ remotePort }) => remotePort).sort()).toEqual(clients.map((client) => client.port).sort());
    expect(kernelRows().filter((row) => row.localPort === port && row.remotePort !== 0 && row.inode !== 0)).toEqual([]);
    await until('both ends of each to be closed', () => openFds().size <= before - 100);
    expect(guard.stats().reclaimed['close-wait']).toBe(50);
    expect(guard.leaks()).toEqual([]);
  });
});

describe('reclaim never takes', () => {
  it('an fd that no JS socket owns', async () => {
    const { guard, seen } = reclaiming(true);
    const handles: { fd: number; close: () => void; readStop: () => void }[] = [];
    const server = net.createServer((socket) => {
      const inner = socket as unknown as { _handle: (typeof handles)[number] | null };
      handles.push(inner._handle!);
      inner._handle!.readStop();
      inner._handle = null;
      socket.destroy();
    });
    const port = await stage.listen(server);
    const client = await stage.visit(port, 'hello');
    const { leak, socket, inode } = await until('the leak', isLeaked(seen, client));
    expect(leak.cause).toBe('detached-handle');
    expect(socket).toBeUndefined();
    await reclaimOfAnother(seen);
    expect(socketInode(handles[0]!.fd)).toBe(inode);
    expectUntouched(port, client);
    expect(guard.stats().reclaimed['close-wait']).toBe(1);
    handles[0]!.close();
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
  });

  it('a socket whose reader is slow', async () => {
    const { seen } = reclaiming(true);
    let taken = 0;
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('readable', () => {});
      const timer = setInterval(() => (taken += (socket.read(1_500) as Buffer | null)?.length ?? 0), 40);
      stage.defer(() => clearInterval(timer));
    });
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say(Buffer.alloc(150_000));
    await client.close();
    await reclaimOfAnother(seen);
    const then = taken;
    await until('it to read on', () => taken > then);
    expectUntouched(port, client);
    expect(seen.leaks.filter(({ leak }) => leak.localPort === port)).toEqual([]);
  });
});

/** Makes a leak that began later than everything so far, and waits until that one is reclaimed. */
async function reclaimOfAnother(seen: Reclaims): Promise<void> {
  const { port } = await neverReads();
  const control = await stage.visit(port, 'hello');
  await until('the reclaim of a later leak', isReclaimed(seen, control));
}

it.each(['the guard', 'that socket'])(
  'a socket is not reclaimed when a listener closes %s right before',
  async (what) => {
    const observer = createObserver({ ...QUICK, scope: 'process' });
    stage.defer(() => observer.close());
    const { port, accepted } = await neverReads();
    const [left, other] = [await stage.visit(port, 'hello'), await stage.visit(port, 'hello')];
    const { guard, seen } = reclaiming({
      filter({ remotePort }) {
        if (remotePort !== left.port || seen.leaks.length < 2) return false;
        // Closed, and seen to be by another guard's sample: this one hears of it when it reads next.
        accepted.get(other.port)!.destroy();
        observer.sockets();
        return true;
      },
    });
    guard.on('released', () => (what === 'the guard' ? guard.close() : accepted.get(left.port)!.destroy()));
    await until('the other to be released', () => seen.released.length > 0);
    expect(seen.released[0]).toMatchObject({ remotePort: other.port });
    if (what === 'the guard') expectUntouched(port, left);
    else await until('it to be released too', () => seen.released.some(({ remotePort }) => remotePort === left.port));
    expect(seen.reclaimed).toEqual([]);
  },
);
