import type { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { hasReceiveSideOpen } from '../base/tcp-states.js';
import type { Side } from '../base/vocabulary.js';
import { FdWalk, type TcpFd } from '../kernel/fd-walk.js';
import { notFollowedInProcess } from '../kernel/identity.js';
import type { NativeBinding } from '../kernel/native.js';
import { SocketBatch } from '../kernel/socket-batch.js';
import { activeSockets } from '../layers/active-handles.js';
import { fdOf, serverOf } from '../layers/node-internals.js';
import type { DueSocket } from './pending-sockets.js';
import { hasLostPeer, isStalled } from './states.js';
import { WatchedSocket } from './watched-socket.js';

/** Sockets in a part of the fd table that this thread did not know. */
export interface Unannounced {
  /** A JS socket of this thread has the fd: healthy or not, it is to be watched. */
  readonly owned: readonly DueSocket[];
  /** None has it, and this thread reports it all the same. */
  readonly unowned: readonly WatchedSocket[];
  /** The part was the last one of a lap. */
  readonly isLap: boolean;
  /** Some that none has, and that no event will tell of, are healthy yet. */
  readonly mayTurn: boolean;
}

/** What is known of the announced sockets. */
export interface Announced {
  readonly pending: { sides(): ReadonlyMap<Socket, Side> };
  /** A byte for each fd, not 0 where it is one of theirs. */
  knownFds(): Uint8Array;
}

interface Stranger extends TcpFd {
  /** Half-closed, reset or stalled. */
  readonly isSuspect: boolean;
  /** The peer may still send. */
  readonly isConnected: boolean;
  /** The kernel tells its state and not how many bytes came in (TCP_INFO is refused or short). */
  readonly progressUnknown: boolean;
}

const LAST_STDIO_FD = 2;
/** Bounds what is remembered; what is forgotten is asked for again. */
const MAX_OWNERLESS = 10_000;

/**
 * Sockets that no channel announced (Node 20 misses `new net.Socket().connect()`), that were announced and lost their JS
 * socket, or that belong to another thread. Those of this thread go on the watch as soon as they are met, so that an event tells of their
 * end. Of the others only the half-closed, reset and stalled ones are of interest.
 */
export class UnannouncedSockets {
  readonly #binding: NativeBinding;
  readonly #walk: FdWalk;
  readonly #batch = new SocketBatch();
  readonly #wasAccepted: (cookie: bigint) => boolean;
  /** Cookies of strangers that no JS socket of this thread had when they were met. */
  readonly #ownerless = new Set<bigint>();

  /** @param wasAccepted whether this process is known to have accepted it */
  constructor(binding: NativeBinding, wasAccepted: (cookie: bigint) => boolean) {
    this.#binding = binding;
    this.#wasAccepted = wasAccepted;
    this.#walk = new FdWalk(binding);
  }

  /**
   * Walks the next part of the fd table, or all of it.
   * @throws Error CWG_ERR_SYSCALL
   */
  find(wholeFdTable: boolean, announced: Announced, isKnown: (cookie: bigint) => boolean): Unannounced {
    const found = wholeFdTable ? this.#walk.lap() : this.#walk.nextUnknown(announced.knownFds());
    const isLap = this.#walk.atStart;
    const unknown = found.filter(({ cookie }) => !isKnown(cookie));
    const strangers = this.#read(notFollowedInProcess(this.#binding, unknown));
    if (strangers.length === 0) return { owned: [], unowned: [], isLap, mayTurn: false };
    const owned = this.#ownedAmong(strangers, announced.pending);
    // An fd without a JS socket is the main thread's to report: every thread sees the same fd table.
    if (!isMainThread) return { owned, unowned: [], isLap, mayTurn: false };
    const ownedFds = new Set(owned.map(({ fd }) => fd));
    const others = strangers.filter(({ fd }) => !ownedFds.has(fd));
    // Where progress cannot be seen, nobody can say that the socket makes none.
    const suspects = others.filter(({ isSuspect, progressUnknown }) => isSuspect && !progressUnknown);
    return { owned, unowned: this.#watchedOf(suspects), isLap, mayTurn: others.length > suspects.length };
  }

  #read(fds: readonly TcpFd[]): Stranger[] {
    this.#batch.clear();
    for (const { fd } of fds) this.#batch.push(fd);
    this.#batch.read(this.#binding);
    return fds.flatMap((found, row) =>
      this.#batch.cookie(row) === found.cookie
        ? [
            {
              ...found,
              isSuspect: hasLostPeer(this.#batch, row) || isStalled(this.#batch, row),
              isConnected: hasReceiveSideOpen(this.#batch.field(row, 'state')),
              progressUnknown: this.#batch.field(row, 'bytesReceived') === -1,
            },
          ]
        : [],
    );
  }

  /** All JS sockets are asked for their fds, so it is done once for each stranger, and again when it is half-closed. */
  #ownedAmong(strangers: readonly Stranger[], pending: Announced['pending']): DueSocket[] {
    const asked = strangers.filter(({ cookie, isSuspect }) => isSuspect || !this.#ownerless.has(cookie));
    if (asked.length === 0) return [];
    const announced = pending.sides();
    const owners = socketsByFd([...announced.keys()]);
    if (this.#ownerless.size > MAX_OWNERLESS) this.#ownerless.clear();
    return asked.flatMap(({ fd, cookie, isSuspect, isConnected }) => {
      const socket = owners.get(fd);
      if (!socket) {
        this.#ownerless.add(cookie);
        return [];
      }
      // A healthy one that is announced, or not connected yet, has its time to come.
      if (!isSuspect && (!isConnected || announced.has(socket))) return [];
      return [{ socket, side: announced.get(socket) ?? sideOf(socket, fd), sinceMs: 0, fd }];
    });
  }

  #watchedOf(unowned: readonly TcpFd[]): WatchedSocket[] {
    return unowned.map(({ fd, cookie }) => {
      const side = this.#wasAccepted(cookie) ? 'inbound' : 'unknown';
      return new WatchedSocket(cookie, fd, side, undefined, 0, 0);
    });
  }
}

/** The side of a socket that was not announced. What stands on a standard fd was put there by who started this process. */
export function sideOf(socket: Socket, fd: number): Side {
  return serverOf(socket) !== undefined || fd <= LAST_STDIO_FD ? 'inbound' : 'outbound';
}

/** The JS sockets of this thread by fd. Costs a walk over all of them, so it is asked only when a stranger turned up. */
function socketsByFd(pending: readonly Socket[]): Map<number, Socket> {
  const byFd = new Map<number, Socket>();
  for (const socket of [...activeSockets(), ...pending]) {
    const fd = fdOf(socket);
    if (fd !== undefined) byFd.set(fd, socket);
  }
  return byFd;
}
