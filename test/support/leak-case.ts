import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createGuard, type Guard } from '../../src/guard/guard.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { CLOSE_WAIT, ESTABLISHED, isListed, kernelRow, socketInode } from './kernel-view.js';
import { Stage } from './stage.js';
import { until } from './until.js';

export const QUICK = Object.freeze({ closeWaitTimeout: 300, sampleInterval: 50 });

/** What a scenario has set up. */
export interface Scene {
  /** Local port of the leak when it is inbound, remote port when it is outbound. */
  readonly port: number;
  /** The guard that must find it, when it is not the one the runner made. */
  readonly guard?: Guard;
  /** Ends the leak as its owner would; without it the reported socket is destroyed. */
  readonly release?: () => void;
  /** Bytes that were sent and that the application has not taken. */
  readonly unread?: number;
}

export interface LeakCase {
  readonly name: string;
  readonly start: (stage: Stage) => Promise<Scene>;
  /** What the report must say beside the facts that are checked against the kernel. */
  readonly report: Partial<LeakReport>;
}

/** One test for each leak: found once, true to the kernel, released once. */
export function testLeaks(cases: readonly LeakCase[]): void {
  const stage = stageOfEachTest();
  it.each(cases.map((leakCase) => [leakCase.name, leakCase] as const))('%s', async (_name, { start, report }) => {
    const own = createGuard(QUICK);
    stage.undo(() => own.close());
    const elsewhere = follow(own);
    const { port, guard = own, release, unread } = await start(stage);
    const seen = guard === own ? elsewhere : follow(guard, guard.leaks());
    // The client is in this process too: its own end of a connection has the same ports the other way round.
    const isOurs = (leak: LeakReport): boolean =>
      portOf(leak) === port && (leak.side === 'outbound') === (report.side === 'outbound');

    const leak = await until('the leak to be reported', () => seen.leaks.find(isOurs));
    expect(leak).toMatchObject(report);
    expectKernelAgrees(leak);
    if (unread !== undefined) expect(leak.unreadKernelBytes + leak.unreadStreamBytes).toBe(unread);
    expect(leak.ageMs).toBeGreaterThanOrEqual(leak.idleMs);
    expect(leak.idleMs).toBeGreaterThanOrEqual(QUICK.closeWaitTimeout);
    expect(guard.leaks().filter(isOurs)).toMatchObject([{ id: leak.id, kind: leak.kind, cause: leak.cause }]);

    const inode = socketInode(leak.fd);
    const socket = seen.sockets.get(leak.id);
    if (release) {
      release();
    } else {
      expect(socket, 'the socket given to the listener').toBeDefined();
      socket?.destroy();
    }
    await until('the fd to be closed', () => socketInode(leak.fd) !== inode);
    await until('the release to be reported', () => seen.released.some(({ id }) => id === leak.id));
    expect(guard.leaks().filter(isOurs)).toEqual([]);

    expect(seen.leaks.filter(isOurs)).toHaveLength(1);
    expect(seen.released.filter(isOurs)).toMatchObject([{ id: leak.id, kind: leak.kind }]);
    if (guard !== own) expect(elsewhere.leaks.filter(isOurs), 'reported by a second guard').toEqual([]);
  });
}

/** The report's numbers against /proc/self/net/tcp and the fd table, read after the report was made. */
export function expectKernelAgrees(leak: LeakReport): void {
  const inode = socketInode(leak.fd);
  expect(inode, `fd ${leak.fd} is an open socket`).toBeDefined();
  if (leak.kind === 'reset') {
    expect(leak.state).toBe('CLOSE');
    expect(isListed(inode!), 'a reset socket is in no TCP table').toBe(false);
    return;
  }
  const row = kernelRow(leak.localPort!, leak.remotePort!);
  if (leak.kind === 'stalled') {
    expect(leak.state).toBe('ESTABLISHED');
    expect(row).toMatchObject({ state: ESTABLISHED, inode, receiveQueue: leak.unreadKernelBytes });
    return;
  }
  expect(leak.state).toBe('CLOSE_WAIT');
  expect(row).toMatchObject({ state: CLOSE_WAIT, inode });
  // Recv-Q counts a FIN that has not been read, SIOCINQ does not.
  expect(leak.unreadKernelBytes).toBe(Math.max(0, row!.receiveQueue - 1));
}

export interface Followed {
  readonly leaks: LeakReport[];
  readonly released: LeakReport[];
  readonly sockets: Map<string, Socket | undefined>;
}

/** Records what a guard says. `already` are leaks reported before anybody could listen. */
export function follow(guard: Guard, already: readonly LeakReport[] = []): Followed {
  const followed: Followed = { leaks: [...already], released: [], sockets: new Map() };
  guard.on('leak', (leak, socket) => {
    followed.leaks.push(leak);
    followed.sockets.set(leak.id, socket);
  });
  guard.on('released', (leak) => followed.released.push(leak));
  return followed;
}

export function portOf(leak: LeakReport): number | undefined {
  return leak.side === 'outbound' ? leak.remotePort : leak.localPort;
}

export function stageOfEachTest(): Stage {
  const stage = new Stage();
  afterEach(() => stage.clear());
  return stage;
}
