import type { Server } from 'node:net';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { RECORD_FIELDS, type NativeBinding } from '../kernel/native.js';
import type { RecordField } from '../kernel/socket-batch.js';
import { dumpSockets, type DumpedSocket } from '../kernel/sock-diag.js';
import { TcpState } from '../kernel/tcp-states.js';
import type { Departed } from './facts.js';

/**
 * Connections of our listeners that the peer has left and that only another process still holds: a child that inherited
 * them as stdio, or was sent them. This process has no fd for them, so only sock_diag shows them.
 */
export class ForeignSockets {
  readonly #binding: NativeBinding;
  #lastDumpAtMs = Number.NEGATIVE_INFINITY;
  #hasChildren = false;
  #found: DumpedSocket[] = [];

  constructor(binding: NativeBinding) {
    this.#binding = binding;
    subscribe('child_process', this.#onChild);
  }

  /**
   * Looks anew when `everyMs` have passed since the last time, and only in a process that has started another: without a
   * child nobody can have inherited anything. `isOurs` knows the cookies of this process's own sockets.
   * @throws Error CWG_ERR_SYSCALL where AF_NETLINK is refused.
   */
  look(
    nowMs: number,
    everyMs: number,
    ports: readonly number[],
    isOurs: () => ReadonlySet<bigint>,
  ): readonly DumpedSocket[] {
    if (!this.#hasChildren || nowMs - this.#lastDumpAtMs < everyMs) return this.#found;
    this.#lastDumpAtMs = nowMs;
    this.#found = [];
    const held = dumpSockets(this.#binding, [TcpState.CLOSE_WAIT], ports).filter(({ inode }) => inode !== 0);
    if (held.length === 0) return this.#found;
    const ours = isOurs();
    this.#found = held.filter(({ cookie }) => !ours.has(cookie));
    return this.#found;
  }

  close(): void {
    unsubscribe('child_process', this.#onChild);
  }

  readonly #onChild = (): void => {
    this.#hasChildren = true;
  };
}

/** A dumped socket as a look tells it: what sock_diag does not know is -1. */
export function foreignDeparted(dumped: DumpedSocket, server: Server | undefined): Departed {
  // An unread FIN counts one in the receive queue; a process that leaks has not read it.
  const unreadBytes = Math.max(0, dumped.receiveQueue - 1);
  return {
    cookie: dumped.cookie,
    fd: -1,
    side: 'unknown',
    socket: undefined,
    server,
    foreignInode: dumped.inode,
    detached: false,
    aborted: false,
    openAtMs: 0,
    endpoints: dumped.endpoints,
    record: {
      ...UNKNOWN_RECORD,
      cookie: dumped.cookie,
      errno: 0,
      state: dumped.state,
      unreadBytes,
      unsentBytes: dumped.sendQueue,
    },
  };
}

const UNKNOWN_RECORD = Object.fromEntries(RECORD_FIELDS.map((field) => [field, -1])) as Record<RecordField, number>;
