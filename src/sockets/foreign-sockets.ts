import type { Server } from 'node:net';
import { TcpState } from '../base/tcp-states.js';
import { FdWalk } from '../kernel/fd-walk.js';
import { identityOfInode, notFollowedInProcess } from '../kernel/identity.js';
import { RECORD_FIELDS, type NativeBinding } from '../kernel/native.js';
import { unsupportedReason } from '../kernel/self-check.js';
import { dumpSockets, type DumpedSocket } from '../kernel/sock-diag.js';
import type { RecordField } from '../kernel/socket-batch.js';
import type { AcceptedCookies } from './accepted-cookies.js';
import { progressOf, type Suspect } from './suspect.js';
import type { Transfers } from './transfers.js';

/** How many fd numbers a sample visits to make sure that a socket is not of this process: 1 to 2 µs each. */
const WALK_STEP = 512;

export interface ForeignSample {
  readonly nowMs: number;
  /** A dump is taken at most this often. */
  readonly everyMs: number;
  /** Local ports of the listeners whose connections matter. */
  readonly ports: () => readonly number[];
  /** Whether this thread follows the socket. */
  readonly isKnown: (cookie: bigint) => boolean;
  /** Do it all now: for tests and on-demand guards. */
  readonly whole: boolean;
}

/**
 * Connections that this process has accepted, that the peer has left and that only another process still holds: a child that
 * inherited them as stdio, or was sent them. This process has no fd for them, so only sock_diag shows them.
 *
 * sock_diag shows those of this process too. Most are known; what is not is searched for in the fd table, a step in each
 * sample, and is another process's once a whole lap has not met it.
 */
export class ForeignSockets {
  readonly #binding: NativeBinding;
  readonly #walk: FdWalk;
  readonly #accepted: AcceptedCookies;
  /** How many sockets the next dump has room for. */
  #expected = 256;
  #lastDumpAtMs = Number.NEGATIVE_INFINITY;
  #found = new Map<bigint, DumpedSocket>();
  /** Of those dumped before the lap under way began, the ones that it has not met. */
  #candidates = new Map<bigint, DumpedSocket>();
  /** Dumped since: for the next lap. */
  #waiting = new Map<bigint, DumpedSocket>();

  constructor(binding: NativeBinding, accepted: AcceptedCookies) {
    this.#binding = binding;
    this.#accepted = accepted;
    this.#walk = new FdWalk(binding, WALK_STEP);
  }

  /** Until when nothing is searched for; -Infinity where something was found, or a search is under way. */
  quietUntilMs(everyMs: number): number {
    if (!this.#accepted.hasChildren) return Number.POSITIVE_INFINITY;
    if (this.#found.size > 0 || this.#candidates.size > 0) return Number.NEGATIVE_INFINITY;
    return this.#lastDumpAtMs + everyMs;
  }

  /**
   * Searches only in a process that has started another: without a child nobody can have inherited anything. Where a dump
   * fails, what the last one found stands.
   * @throws Error CWG_ERR_SYSCALL where AF_NETLINK is refused.
   */
  find(how: ForeignSample): readonly DumpedSocket[] {
    if (!this.#accepted.hasChildren) return [];
    if (how.nowMs - this.#lastDumpAtMs >= how.everyMs) {
      this.#lastDumpAtMs = how.nowMs;
      this.#dump(how);
    }
    this.#confirm(how.whole);
    return [...this.#found.values()];
  }

  #dump({ ports, isKnown }: ForeignSample): void {
    let dumped = 0;
    const unknown = dumpSockets(this.#binding, [TcpState.CLOSE_WAIT], ports(), {
      withInfo: true,
      expected: this.#expected,
      keep: (cookie, inode) => {
        dumped++;
        if (inode === 0 || !this.#accepted.has(cookie, inode)) return false;
        return !isKnown(cookie) && !isKnown(identityOfInode(inode));
      },
    });
    this.#expected = Math.max(256, dumped * 2);
    const strangers = notFollowedInProcess(this.#binding, unknown);
    const stillThere = new Map(strangers.map((socket) => [socket.cookie, socket]));
    const take = (sockets: ReadonlyMap<bigint, DumpedSocket>): Map<bigint, DumpedSocket> => {
      const kept = [...stillThere].filter(([cookie]) => sockets.has(cookie));
      for (const [cookie] of kept) stillThere.delete(cookie);
      return new Map(kept);
    };
    this.#found = take(this.#found);
    // A lap may take longer than the time between two dumps, so a new dump does not begin it anew.
    this.#candidates = take(this.#candidates);
    this.#waiting = stillThere;
    if (this.#candidates.size === 0) this.#beginLap();
  }

  #beginLap(): void {
    this.#candidates = this.#waiting;
    this.#waiting = new Map();
    this.#walk.restart();
  }

  #confirm(whole: boolean): void {
    if (this.#candidates.size === 0) return;
    const met = new Set((whole ? this.#walk.lap() : this.#walk.next()).map(({ cookie }) => cookie));
    for (const [cookie, { inode }] of this.#candidates) {
      if (met.has(cookie) || met.has(identityOfInode(inode))) this.#candidates.delete(cookie);
    }
    if (!this.#walk.atEnd) return;
    // Where it is refused what a socket is, the lap has met none of this process's own.
    if (this.#candidates.size > 0 && unsupportedReason(this.#binding) !== undefined) this.#candidates.clear();
    for (const [cookie, socket] of this.#candidates) this.#found.set(cookie, socket);
    this.#beginLap();
  }
}

/** A dumped socket as a suspect: what sock_diag does not know is -1. */
export function suspectOfForeign(dumped: DumpedSocket, server: Server | undefined, transfers: Transfers): Suspect {
  // An unread FIN counts one in the receive queue; a process that leaks has not read it.
  const unreadBytes = Math.max(0, dumped.receiveQueue - 1);
  const record = {
    ...UNKNOWN_RECORD,
    cookie: dumped.cookie,
    errno: 0,
    state: dumped.state,
    lastAckRecvMs: dumped.lastAckRecvMs,
    bytesAcked: dumped.bytesAcked,
    bytesReceived: dumped.bytesReceived,
    unreadBytes,
    unsentBytes: dumped.sendQueue,
  };
  return {
    cookie: dumped.cookie,
    fd: -1,
    side: 'inbound',
    unowned: true,
    socket: undefined,
    server,
    foreignInode: dumped.inode,
    detached: false,
    aborted: false,
    endpoints: dumped.endpoints,
    transfers,
    record,
    progress: progressOf(record, { bufferedBytes: 0, pipedBytes: 0, drainedBytes: undefined }, 0),
  };
}

const UNKNOWN_RECORD = Object.fromEntries(RECORD_FIELDS.map((field) => [field, -1])) as Record<RecordField, number>;
