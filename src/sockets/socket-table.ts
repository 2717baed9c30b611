import type { Server, Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { monotonicMs } from '../kernel/clock.js';
import { localPortOf, packEndpoints } from '../kernel/endpoints.js';
import { Faults, type KernelOperation } from '../kernel/faults.js';
import { FdWalk, type TcpFd } from '../kernel/fd-walk.js';
import { Holders } from '../kernel/holders.js';
import { notFollowedInProcess } from '../kernel/identity.js';
import type { NativeBinding } from '../kernel/native.js';
import { missingHere, queuesRefused, sockDiagRefused, tcpInfoMissing } from '../kernel/self-check.js';
import type { DumpedSocket } from '../kernel/sock-diag.js';
import { SocketBatch } from '../kernel/socket-batch.js';
import { TcpState } from '../kernel/tcp-states.js';
import { listenForRequests, listenForSockets } from './announcements.js';
import { withCountedProgress } from './counted-progress.js';
import type { Departed } from './facts.js';
import { foreignDeparted, ForeignSockets } from './foreign-sockets.js';
import { HalfClosedSockets, type ClosedQueue } from './half-closed-sockets.js';
import { fdOf, serverOf } from './node-internals.js';
import { needsRequestChannel, SeenServers, tcpAddressOf } from './servers.js';
import { isHalfClosedOrReset, isStalled, socketsByFd, withoutPeer, type Stranger } from './unannounced.js';
import { newEntry, WatchedSockets, type Entry } from './watched-sockets.js';

/** What can fail in a table: each is counted, and said once. */
export type TableOperation = KernelOperation | 'announce';

/** Bounds what is remembered of other processes; what is forgotten is asked about once more. */
const MAX_ELSEWHERE = 10_000;

export interface LookOptions {
  /** Put even the youngest announced sockets on the watch. */
  readonly young?: boolean;
  /** Visit every watched socket and every fd, not the next few: for tests and on-demand guards. */
  readonly wholeFdTable?: boolean;
  /** Announced sockets are put on the watch once they are this old. */
  readonly minAgeMs?: number;
  /** Also look for connections that only another process holds, at most this often. */
  readonly foreignEveryMs?: number;
  /** Which half-closed sockets to read: all, these, or what is due in a sample that comes every so many ms. @default 'all' */
  readonly read?: 'all' | ReadonlySet<bigint> | { readonly everyMs: number };
}

/**
 * Which sockets this thread has, and which of them the peer has left. One table per thread, shared by all its guards.
 * It holds no socket strongly and puts no listener on any.
 */
export class SocketTable {
  /** Who else reports a socket that no JS socket of this thread owns. A look begins its sample. */
  readonly holders: Holders;
  readonly #binding: NativeBinding;
  readonly #watched: WatchedSockets;
  readonly #walk: FdWalk;
  readonly #batch = new SocketBatch();
  readonly #halfClosed = new HalfClosedSockets();
  readonly #foreign: ForeignSockets;
  /** What {@link ForeignSockets} found last. */
  #heldElsewhere: ReadonlyMap<bigint, DumpedSocket> = new Map();
  /** Cookies of sockets that another process's guard answers for. */
  readonly #elsewhere = new Set<bigint>();
  readonly #servers = new SeenServers(() => {
    this.#announceFailed();
  });
  readonly #unlisten: () => void;
  #unlistenRequests: (() => void) | undefined;
  readonly #faults: Faults<TableOperation>;

  /** `say` hears of each failure that is kept from the application; it is to say an operation once. */
  constructor(binding: NativeBinding, nowMs: number, say: (operation: TableOperation, why: unknown) => void) {
    this.#binding = binding;
    this.#faults = new Faults(say);
    for (const { operation, why } of missingHere(binding)) this.#faults.note(operation, why);
    this.holders = new Holders(binding, (error) => {
      this.#faults.note('holders', error);
    });
    this.#watched = new WatchedSockets(binding, nowMs, this.#faults);
    this.#walk = new FdWalk(binding);
    this.#foreign = new ForeignSockets(binding);
    this.#unlisten = listenForSockets((socket, side) => {
      if (side === 'inbound') this.#noticeServerOf(socket);
      this.#watched.pending.add(socket, side, monotonicMs());
    }, this.#announceFailed);
  }

  get watchedCount(): number {
    return this.#watched.count;
  }

  get pendingCount(): number {
    return this.#watched.pending.size;
  }

  /** Failures that were kept from the application since they were last taken: guards share the table, and count each once. */
  takeErrors(): Readonly<Partial<Record<TableOperation, number>>> {
    return this.#faults.take();
  }

  /** Takes a sample: those of the sockets that the peer has left, or cannot leave, that it reads. */
  look(
    nowMs: number,
    { young = false, wholeFdTable = false, minAgeMs = 0, foreignEveryMs, read = 'all' }: LookOptions = {},
  ): Departed[] {
    this.holders.beginSample(wholeFdTable);
    this.#watched.register(nowMs, young ? 0 : minAgeMs);
    this.#takeDepartures(nowMs);
    this.#findStalled(wholeFdTable);
    this.#findUnannounced(nowMs, wholeFdTable);
    const halfClosed = this.read(nowMs, read);
    if (foreignEveryMs === undefined) return halfClosed;
    return [...halfClosed, ...this.#readForeign(nowMs, foreignEveryMs, wholeFdTable)];
  }

  /** Reads half-closed sockets that are known, and looks for no others. */
  read(nowMs: number, which: NonNullable<LookOptions['read']>): Departed[] {
    if (which === 'all') return this.#readEntries(this.#halfClosed.all(), nowMs);
    if ('everyMs' in which) return this.#readEntries(this.#halfClosed.slice(which.everyMs), nowMs);
    const foreign = [...this.#heldElsewhere.values()].filter(({ cookie }) => which.has(cookie));
    return [...this.#readEntries(this.#halfClosed.these(which), nowMs), ...this.#foreignOf(foreign)];
  }

  /** Hears of the sockets that are half-closed no more: closed, or no longer stalled. */
  followClosed(follows: (cookie: bigint) => boolean): ClosedQueue {
    return this.#halfClosed.followClosed(follows);
  }

  /** Says that a guard has counted this socket as a leak: from now on it is read in slices. */
  markKnown(cookie: bigint): void {
    this.#halfClosed.markKnown(cookie);
  }

  /** Says that a guard has closed: what it knew is read again by the others. */
  forgetKnown(): void {
    this.#halfClosed.forgetKnown();
  }

  /** Notes every HTTP/1 request from now on. */
  followRequests(): void {
    this.#unlistenRequests ??= listenForRequests(this.#announceFailed);
  }

  /** Says that a guard with a timer looks at this table; returns its undo. */
  expectTimedLooks(): () => void {
    return this.#watched.pending.expectTimedLooks();
  }

  /** Servers of this thread that have accepted a connection and still listen. */
  listeningServers(): Server[] {
    return this.#servers.listening();
  }

  /** Says that a guard of another thread or process answers for this socket: this table stops looking at it. */
  leave({ cookie, foreignInode }: Departed): void {
    this.#halfClosed.delete(cookie);
    // Whether another thread still follows it is asked again whenever the fd walk meets it.
    if (foreignInode === undefined) return;
    if (this.#elsewhere.size >= MAX_ELSEWHERE) this.#elsewhere.clear();
    this.#elsewhere.add(cookie);
  }

  close(): void {
    this.#unlisten();
    this.#unlistenRequests?.();
    this.#servers.close();
    this.#foreign.close();
    this.holders.close();
    this.#watched.close();
    this.#halfClosed.clear();
  }

  #noticeServerOf(socket: Socket): void {
    const server = serverOf(socket);
    // Its first connection is announced before the first request on it.
    if (this.#servers.notice(server, socket) && needsRequestChannel(server)) this.followRequests();
  }

  #takeDepartures(nowMs: number): void {
    for (const entry of this.#watched.drain(nowMs)) this.#halfClosed.add(entry);
  }

  #findStalled(all: boolean): void {
    const quiet = this.#watched.sweep(all).filter(({ cookie }) => !this.#halfClosed.has(cookie));
    this.#read(quiet);
    quiet.forEach((entry, row) => {
      if (this.#batch.cookie(row) !== entry.cookie) return;
      if (!isHalfClosedOrReset(this.#batch, row) && !isStalled(this.#batch, row)) return;
      // Without an event nothing tells how it came to CLOSE; the peer's FIN alone does not lead there.
      entry.aborted ||= this.#batch.field(row, 'state') === TcpState.CLOSE;
      this.#halfClosed.add(entry);
    });
  }

  /**
   * Looks for sockets that no channel announced (Node 20 misses `new net.Socket().connect()`), that were announced and
   * lost their JS socket, or that belong to another thread. Only those that the peer has left are of interest.
   */
  #findUnannounced(nowMs: number, wholeFdTable: boolean): void {
    let found: TcpFd[];
    try {
      found = wholeFdTable ? this.#walk.lap() : this.#walk.next();
    } catch (error) {
      this.#faults.note('fd_walk', error);
      return;
    }
    const unknown = found.filter(({ cookie }) => !this.#watched.has(cookie) && !this.#halfClosed.has(cookie));
    const strangers = notFollowedInProcess(this.#binding, unknown);
    if (strangers.length === 0) return;
    const gone = withoutPeer(this.#binding, strangers, this.#batch);
    if (gone.length > 0) this.#adopt(gone, nowMs);
  }

  #adopt(strangers: readonly Stranger[], nowMs: number): void {
    const owners = socketsByFd(this.#watched.pending.sockets());
    const owned = strangers.flatMap(({ fd }) => {
      const socket = owners.get(fd);
      return socket
        ? [{ socket, side: serverOf(socket) ? ('inbound' as const) : ('outbound' as const), sinceMs: 0, fd }]
        : [];
    });
    if (owned.length > 0) {
      this.#watched.add(owned);
      this.#takeDepartures(nowMs);
    }
    // An fd without a JS socket is the main thread's to report: every thread sees the same fd table.
    if (!isMainThread) return;
    // Of what makes progress unseen nobody can say that it stands still.
    const unowned = strangers.filter(({ fd, progressUnknown }) => !owners.has(fd) && !progressUnknown);
    const fds = Int32Array.from(unowned, ({ fd }) => fd);
    const endpoints = packEndpoints(this.#binding, fds, unowned.length);
    unowned.forEach(({ fd, cookie }, i) => {
      this.#halfClosed.add(newEntry(cookie, fd, 'unknown', undefined, endpoints[i]!, 0, 0));
    });
  }

  #readEntries(entries: readonly Entry[], nowMs: number): Departed[] {
    this.#read(entries);
    return entries.flatMap((entry, row) => {
      const { cookie } = entry;
      const state = this.#batch.field(row, 'state');
      if (this.#batch.field(row, 'errno') !== 0 || this.#batch.cookie(row) !== cookie) {
        // Closed: the fd is gone, or its number belongs to another socket by now.
        this.#halfClosed.delete(cookie);
        this.#watched.delete(cookie);
        return [];
      }
      if (state === TcpState.ESTABLISHED) entry.openAtMs = nowMs;
      if (state === TcpState.ESTABLISHED && !isStalled(this.#batch, row)) {
        // No longer stalled; or the application's own shutdown(SHUT_RD), which raises EPOLLRDHUP too.
        this.#halfClosed.delete(cookie);
        return [];
      }
      return [this.#departedOf(entry, row)];
    });
  }

  #departedOf({ cookie, fd, side, socket: ref, aborted, openAtMs, endpoints }: Entry, row: number): Departed {
    const owner: Socket | undefined = ref?.deref();
    const socket = owner && fdOf(owner) === fd ? owner : undefined;
    const server =
      side === 'outbound'
        ? undefined
        : ((socket && serverOf(socket)) ?? this.#serverOn(localPortOf(this.#binding, endpoints)));
    // A connection of a server of this thread was accepted by it: when no JS socket has it, one has lost it.
    const detached = ref === undefined ? server !== undefined : socket === undefined;
    const read = this.#batch.record(row);
    const record = socket ? withCountedProgress(read, socket) : read;
    return {
      cookie,
      fd,
      side,
      socket,
      server,
      detached,
      foreignInode: undefined,
      record,
      aborted,
      openAtMs,
      endpoints,
    };
  }

  #readForeign(nowMs: number, everyMs: number, whole: boolean): Departed[] {
    // Every thread sees the same children and the same namespace: they are the main thread's to report.
    if (!isMainThread) return [];
    const ports = this.#servers.listening().flatMap((server) => tcpAddressOf(server)?.port ?? []);
    const isKnown = (cookie: bigint): boolean => this.#watched.has(cookie) || this.#halfClosed.has(cookie);
    let found: readonly DumpedSocket[];
    try {
      found = this.#foreign.look({ nowMs, everyMs, ports, isKnown, whole });
    } catch (error) {
      this.#faults.note('sock_diag', sockDiagRefused(error));
      return [];
    }
    const held = found.filter(({ cookie }) => !this.#elsewhere.has(cookie));
    const before = this.#heldElsewhere;
    this.#heldElsewhere = new Map(held.map((dumped) => [dumped.cookie, dumped]));
    this.#halfClosed.tellClosed([...before.keys()].filter((cookie) => !this.#heldElsewhere.has(cookie)));
    return this.#foreignOf(held);
  }

  #foreignOf(held: readonly DumpedSocket[]): Departed[] {
    return held.map((dumped) => foreignDeparted(dumped, this.#serverOn(dumped.localPort)));
  }

  #serverOn(port: number): Server | undefined {
    return this.#servers.listening().find((server) => tcpAddressOf(server)?.port === port);
  }

  #read(entries: readonly Entry[]): void {
    this.#batch.clear();
    for (const { fd } of entries) this.#batch.push(fd);
    this.#batch.read(this.#binding);
    this.#noteRefusals();
  }

  #noteRefusals(): void {
    let infoMissing = 0;
    let queueRefused = 0;
    let why = 0;
    for (let row = 0; row < this.#batch.length; row++) {
      if (this.#batch.field(row, 'errno') !== 0) continue;
      if (this.#batch.field(row, 'bytesReceived') === -1) {
        infoMissing++;
        why = this.#batch.field(row, 'infoErrno');
      }
      if (this.#batch.field(row, 'unreadBytes') === -1) queueRefused++;
    }
    this.#faults.note('tcp_info', tcpInfoMissing(why), infoMissing);
    this.#faults.note('queues', queuesRefused('refused'), queueRefused);
  }

  readonly #announceFailed = (): void => {
    this.#faults.note('announce', 'a socket or request could not be noted');
  };
}
