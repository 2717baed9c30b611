import type { Server, Socket } from 'node:net';
import { monotonicMs } from '../kernel/clock.js';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { localPortOf, packEndpoints } from '../kernel/endpoints.js';
import { FdWalk, type TcpFd } from '../kernel/fd-walk.js';
import { HalfCloseWatch } from '../kernel/half-close-watch.js';
import type { NativeBinding } from '../kernel/native.js';
import { SocketBatch } from '../kernel/socket-batch.js';
import { TcpState } from '../kernel/tcp-states.js';
import { listenForSockets, type Side } from './announcements.js';
import type { DumpedSocket } from '../kernel/sock-diag.js';
import type { Departed } from './facts.js';
import { foreignDeparted, ForeignSockets } from './foreign-sockets.js';
import { fdOf, hasStoppedReading, serverOf } from './node-internals.js';
import { PendingSockets, type DueSocket } from './pending-sockets.js';
import { SeenServers, tcpAddressOf } from './servers.js';
import { isStalled, socketsByFd, withoutPeer } from './unannounced.js';

const { errno } = constants;

interface Entry {
  readonly cookie: bigint;
  readonly fd: number;
  readonly side: Side;
  /** Weak: being watched must not keep a socket alive. Undefined when no JS socket of this thread owns the fd. */
  readonly socket: WeakRef<Socket> | undefined;
  readonly endpoints: Uint8Array;
  openAtMs: number;
  /** The drain at which it went on the watch; an event in that same drain may be older than the watch. */
  readonly addedInLook: number;
  aborted: boolean;
}

/** Why an announced socket has no place on the watch, and that is all right: closed meanwhile, a pipe, a unix socket, MPTCP. */
const NOT_TCP: ReadonlySet<number> = new Set([errno.EBADF, errno.ENOTSOCK, errno.EPROTONOSUPPORT]);

/** How many watched sockets a look visits: its cost must not follow the number of connections. */
const SWEEP_STEP = 256;
const MAX_ELSEWHERE = 10_000;

export interface LookOptions {
  /** Put even the youngest announced sockets on the watch, and walk the whole fd table if asked to. */
  readonly young?: boolean;
  readonly wholeFdTable?: boolean;
  /** Announced sockets are put on the watch once they are this old. */
  readonly minAgeMs?: number;
  /** Also look for connections that only another process holds, at most this often. */
  readonly foreignEveryMs?: number;
}

/**
 * Which sockets this thread has, and which of them the peer has left. One table per thread, shared by all its guards.
 * It holds no socket strongly and puts no listener on any.
 */
export class SocketTable {
  readonly #binding: NativeBinding;
  readonly #watch: HalfCloseWatch;
  readonly #walk: FdWalk;
  readonly #batch = new SocketBatch();
  readonly #pending = new PendingSockets();
  readonly #watched = new Map<bigint, Entry>();
  readonly #departed = new Map<bigint, Entry>();
  readonly #foreign: ForeignSockets;
  /** Cookies of sockets that another thread's or process's guard answers for. */
  readonly #elsewhere = new Set<bigint>();
  readonly #servers = new SeenServers();
  readonly #unlisten: () => void;
  #sweep: Iterator<Entry> | undefined;
  #looks = 0;
  #lastDrainAtMs = 0;
  /** Failures that must not reach the application, by operation. */
  readonly errors: Record<'announce' | 'watch_add' | 'fd_walk' | 'sock_diag', number> = {
    announce: 0,
    watch_add: 0,
    fd_walk: 0,
    sock_diag: 0,
  };

  /** @throws Error CWG_ERR_SYSCALL when the process has no fd left for the watch. */
  constructor(binding: NativeBinding, nowMs: number) {
    this.#binding = binding;
    this.#watch = new HalfCloseWatch(binding);
    this.#walk = new FdWalk(binding);
    this.#foreign = new ForeignSockets(binding);
    this.#lastDrainAtMs = nowMs;
    this.#unlisten = listenForSockets(
      (socket, side) => {
        if (side === 'inbound') this.#servers.notice(serverOf(socket));
        this.#pending.add(socket, side, monotonicMs());
      },
      () => {
        this.errors.announce++;
      },
    );
  }

  get watchedCount(): number {
    return this.#watched.size;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** All sockets whose peer has left and whose fd is still open. */
  look(
    nowMs: number,
    { young = false, wholeFdTable = false, minAgeMs = 0, foreignEveryMs }: LookOptions = {},
  ): Departed[] {
    this.#looks++;
    this.#register(nowMs, young ? 0 : minAgeMs);
    this.#drain(nowMs);
    this.#sweepWatched(wholeFdTable);
    this.#findUnannounced(nowMs, wholeFdTable);
    const departed = this.#readDeparted(nowMs);
    return foreignEveryMs === undefined ? departed : [...departed, ...this.#readForeign(nowMs, foreignEveryMs)];
  }

  /** Servers of this thread that have accepted a connection and still listen. */
  listeningServers(): Server[] {
    return this.#servers.listening();
  }

  /** Says that a guard of another thread or process answers for this socket: this table stops looking at it. */
  leave({ cookie }: Departed): void {
    this.#departed.delete(cookie);
    // What is forgotten here is asked about once more.
    if (this.#elsewhere.size >= MAX_ELSEWHERE) this.#elsewhere.clear();
    this.#elsewhere.add(cookie);
  }

  close(): void {
    this.#unlisten();
    this.#servers.close();
    this.#foreign.close();
    this.#watch.close();
    this.#watched.clear();
    this.#departed.clear();
    this.#pending.clear();
  }

  #register(nowMs: number, minAgeMs: number): void {
    const due = this.#pending.takeOlderThan(nowMs - minAgeMs, nowMs);
    if (due.length > 0) this.#addToWatch(due);
  }

  #addToWatch(sockets: readonly DueSocket[]): void {
    const fds = sockets.map(({ fd }) => fd);
    const added = this.#watch.add(fds);
    const endpoints = packEndpoints(this.#binding, Int32Array.from(fds), fds.length);
    sockets.forEach(({ socket, side, sinceMs, fd }, i) => {
      const result = added[i];
      const packed = endpoints[i];
      if (!result || !packed) return;
      if (result.errno !== 0) {
        // Not TCP (a pipe, a unix socket) is no failure; an epoll set that refuses a TCP socket is.
        if (!NOT_TCP.has(result.errno)) this.errors.watch_add++;
        return;
      }
      if (this.#watched.has(result.cookie)) return;
      this.#departed.delete(result.cookie);
      this.#watched.set(result.cookie, this.#entry(result.cookie, fd, side, new WeakRef(socket), packed, sinceMs));
    });
  }

  #drain(nowMs: number): void {
    const previous = this.#lastDrainAtMs;
    this.#lastDrainAtMs = nowMs;
    for (const { cookie, aborted } of this.#watch.drain()) {
      const entry = this.#watched.get(cookie);
      if (!entry) continue;
      if (aborted) entry.aborted = true;
      if (this.#departed.has(cookie)) continue;
      // The previous drain did not mention it, so it was open then; unless it was not on the watch yet.
      if (entry.addedInLook !== this.#looks) entry.openAtMs = Math.max(entry.openAtMs, previous);
      this.#departed.set(cookie, entry);
    }
  }

  /**
   * Visits a fixed number of watched sockets a look. Closed and collected ones are forgotten (the kernel has forgotten
   * their fds by itself); those that JS has stopped reading may be stalled, which no event announces.
   */
  #sweepWatched(all: boolean): void {
    const quiet: Entry[] = [];
    if (all) this.#sweep = undefined;
    this.#sweep ??= this.#watched.values();
    for (let visited = 0; all || visited < SWEEP_STEP; visited++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        break;
      }
      const entry = next.value;
      if (this.#departed.has(entry.cookie)) continue;
      const socket = entry.socket?.deref();
      if (socket === undefined || socket.destroyed) this.#watched.delete(entry.cookie);
      else if (hasStoppedReading(socket)) quiet.push(entry);
    }
    this.#read(quiet);
    quiet.forEach((entry, row) => {
      if (this.#batch.cookie(row) === entry.cookie && isStalled(this.#batch, row))
        this.#departed.set(entry.cookie, entry);
    });
  }

  #read(entries: readonly Entry[]): void {
    this.#batch.clear();
    for (const { fd } of entries) this.#batch.push(fd);
    this.#batch.read(this.#binding);
  }

  /**
   * Looks for sockets that no channel announced (Node 20 misses `new net.Socket().connect()`), that were announced and
   * lost their JS socket, or that belong to another thread. Only those whose peer has left are of interest.
   */
  #findUnannounced(nowMs: number, wholeFdTable: boolean): void {
    let found: TcpFd[];
    try {
      found = wholeFdTable ? this.#walk.lap() : this.#walk.next();
    } catch {
      this.errors.fd_walk++;
      return;
    }
    const strangers = found.filter(
      ({ cookie }) => !this.#watched.has(cookie) && !this.#departed.has(cookie) && !this.#elsewhere.has(cookie),
    );
    if (strangers.length === 0) return;
    const gone = withoutPeer(this.#binding, strangers, this.#batch);
    if (gone.length > 0) this.#adopt(gone, nowMs);
  }

  #adopt(strangers: readonly TcpFd[], nowMs: number): void {
    const owners = socketsByFd(this.#pending.sockets());
    const owned = strangers.flatMap(({ fd }) => {
      const socket = owners.get(fd);
      return socket ? [{ socket, side: sideOf(socket), sinceMs: 0, fd }] : [];
    });
    if (owned.length > 0) {
      this.#addToWatch(owned);
      this.#drain(nowMs);
    }
    // An fd without a JS socket is the main thread's to report: every thread sees the same fd table.
    if (!isMainThread) return;
    const unowned = strangers.filter(({ fd }) => !owners.has(fd));
    const endpoints = packEndpoints(
      this.#binding,
      Int32Array.from(unowned, ({ fd }) => fd),
      unowned.length,
    );
    unowned.forEach(({ fd, cookie }, i) => {
      const packed = endpoints[i];
      if (packed) this.#departed.set(cookie, this.#entry(cookie, fd, 'unknown', undefined, packed, 0));
    });
  }

  #serverOn(port: number): Server | undefined {
    return this.#servers.listening().find((server) => tcpAddressOf(server)?.port === port);
  }

  #readForeign(nowMs: number, everyMs: number): Departed[] {
    // Every thread sees the same children and the same namespace: they are the main thread's to report.
    if (!isMainThread) return [];
    const ports = this.#servers.listening().flatMap((server) => tcpAddressOf(server)?.port ?? []);
    const ours = (): ReadonlySet<bigint> => new Set(this.#walk.lap().map(({ cookie }) => cookie));
    let found: readonly DumpedSocket[];
    try {
      found = this.#foreign.look(nowMs, everyMs, ports, ours);
    } catch {
      this.errors.sock_diag++;
      return [];
    }
    return found
      .filter(({ cookie }) => !this.#elsewhere.has(cookie))
      .map((dumped) => foreignDeparted(dumped, this.#serverOn(dumped.localPort)));
  }

  #entry(
    cookie: bigint,
    fd: number,
    side: Side,
    socket: WeakRef<Socket> | undefined,
    endpoints: Uint8Array,
    openAtMs: number,
  ): Entry {
    return { cookie, fd, side, socket, endpoints, openAtMs, addedInLook: this.#looks, aborted: false };
  }

  #readDeparted(nowMs: number): Departed[] {
    const entries = [...this.#departed.values()];
    this.#read(entries);
    const departed: Departed[] = [];
    entries.forEach((entry, i) => {
      const sameSocket = this.#batch.field(i, 'errno') === 0 && this.#batch.cookie(i) === entry.cookie;
      const state = this.#batch.field(i, 'state');
      if (!sameSocket) {
        // Closed: the fd is gone, or its number belongs to another socket by now.
        this.#departed.delete(entry.cookie);
        this.#watched.delete(entry.cookie);
      } else if (state === TcpState.ESTABLISHED && !isStalled(this.#batch, i)) {
        // No longer stalled; or the application's own shutdown(SHUT_RD), which raises EPOLLRDHUP too.
        this.#departed.delete(entry.cookie);
        entry.openAtMs = nowMs;
      } else {
        if (state === TcpState.ESTABLISHED) entry.openAtMs = nowMs;
        const socket = entry.socket?.deref();
        const holdsFd = socket !== undefined && fdOf(socket) === entry.fd;
        const accepted = entry.side === 'inbound' && socket ? serverOf(socket) : undefined;
        const server =
          entry.side === 'outbound' ? undefined : (accepted ?? this.#serverOn(localPortOf(entry.endpoints)));
        departed.push({
          cookie: entry.cookie,
          fd: entry.fd,
          side: entry.side,
          socket: holdsFd ? socket : undefined,
          // A connection of a server of this thread was accepted by it: when no JS socket has it, one has lost it.
          detached: entry.socket === undefined ? server !== undefined : !holdsFd,
          server,
          foreignInode: undefined,
          record: this.#batch.record(i),
          aborted: entry.aborted,
          openAtMs: entry.openAtMs,
          endpoints: entry.endpoints,
        });
      }
    });
    return departed;
  }
}

function sideOf(socket: Socket): Side {
  return serverOf(socket) ? 'inbound' : 'outbound';
}
