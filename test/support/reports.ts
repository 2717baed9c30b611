import type { Socket } from 'node:net';
import { expect } from 'vitest';
import type { Guard } from '../../src/guard/guard.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { CLOSE_WAIT, ESTABLISHED, isListed, kernelRow, socketInode, type KernelRow } from './kernel-view.js';

export const QUICK = Object.freeze({ closeWaitTimeout: 300, sampleInterval: 50 });

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

/** A socket as the kernel has it inside the guard's event. */
interface Witnessed {
  readonly leak: LeakReport;
  readonly socket: Socket | undefined;
  readonly inode: number | undefined;
  readonly row: KernelRow | undefined;
}

/** Records what a guard that reclaims says, each time with what the kernel has right then. */
export class Reclaims {
  readonly leaks: Witnessed[] = [];
  readonly reclaimed: Omit<Witnessed, 'socket'>[] = [];
  readonly released: LeakReport[] = [];

  constructor(guard: Guard) {
    guard.on('leak', (leak, socket) => this.leaks.push({ leak, socket, ...inKernel(leak) }));
    guard.on('reclaimed', (leak) => this.reclaimed.push({ leak, ...inKernel(leak) }));
    guard.on('released', (leak) => this.released.push(leak));
  }
}

function inKernel({ fd, localPort, remotePort }: LeakReport): Pick<Witnessed, 'inode' | 'row'> {
  return { inode: socketInode(fd), row: kernelRow(localPort!, remotePort!) };
}

/** The server's port: of both ends of a connection that is in this process, the one that `side` says. */
export function portOf(leak: LeakReport): number | undefined {
  return leak.side === 'outbound' ? leak.remotePort : leak.localPort;
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
