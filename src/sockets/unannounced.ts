import type { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import type { Side } from '../base/vocabulary.js';
import { packEndpoints } from '../kernel/endpoints.js';
import { FdWalk, type TcpFd } from '../kernel/fd-walk.js';
import { notFollowedInProcess } from '../kernel/identity.js';
import type { NativeBinding } from '../kernel/native.js';
import { SocketBatch } from '../kernel/socket-batch.js';
import { activeSockets } from '../layers/active-handles.js';
import { fdOf, serverOf } from '../layers/node-internals.js';
import type { DueSocket } from './pending-sockets.js';
import { hasLostPeer, isStalled } from './states.js';
import { newWatchedSocket, type WatchedSocket } from './watched-socket.js';

/** Sockets in a part of the fd table that this thread did not know. */
export interface Unannounced {
  /** A JS socket of this thread has the fd. */
  readonly owned: readonly DueSocket[];
  /** None has it, and this thread reports it all the same. */
  readonly unowned: readonly WatchedSocket[];
}

interface Stranger extends TcpFd {
  /** The kernel tells its state and not how many bytes came in (TCP_INFO is refused or short). */
  readonly progressUnknown: boolean;
}

const LAST_STDIO_FD = 2;

const NONE: Unannounced = { owned: [], unowned: [] };

/**
 * Sockets that no channel announced (Node 20 misses `new net.Socket().connect()`), that were announced and lost their JS
 * socket, or that belong to another thread. Only the half-closed, reset and stalled ones are of interest.
 */
export class UnannouncedSockets {
  readonly #binding: NativeBinding;
  readonly #walk: FdWalk;
  readonly #batch = new SocketBatch();
  readonly #wasAccepted: (cookie: bigint) => boolean;

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
  find(
    wholeFdTable: boolean,
    isKnown: (cookie: bigint) => boolean,
    pending: () => ReadonlyMap<Socket, Side>,
  ): Unannounced {
    const found = wholeFdTable ? this.#walk.lap() : this.#walk.next();
    const unknown = found.filter(({ cookie }) => !isKnown(cookie));
    const strangers = this.#suspectsAmong(notFollowedInProcess(this.#binding, unknown));
    if (strangers.length === 0) return NONE;
    // The walk may meet a socket that was announced and is too young for the watch.
    const announced = pending();
    const owners = socketsByFd([...announced.keys()]);
    const owned = strangers.flatMap(({ fd }) => {
      const socket = owners.get(fd);
      return socket ? [{ socket, side: announced.get(socket) ?? sideOf(socket, fd), sinceMs: 0, fd }] : [];
    });
    // An fd without a JS socket is the main thread's to report: every thread sees the same fd table.
    if (!isMainThread) return { owned, unowned: [] };
    // Where progress cannot be seen, nobody can say that the socket makes none.
    return {
      owned,
      unowned: this.#watchedOf(strangers.filter((each) => !owners.has(each.fd) && !each.progressUnknown)),
    };
  }

  #suspectsAmong(fds: readonly TcpFd[]): Stranger[] {
    this.#batch.clear();
    for (const { fd } of fds) this.#batch.push(fd);
    this.#batch.read(this.#binding);
    return fds.flatMap((found, row) =>
      this.#batch.cookie(row) === found.cookie && (hasLostPeer(this.#batch, row) || isStalled(this.#batch, row))
        ? [{ ...found, progressUnknown: this.#batch.field(row, 'bytesReceived') === -1 }]
        : [],
    );
  }

  #watchedOf(unowned: readonly TcpFd[]): WatchedSocket[] {
    const fds = Int32Array.from(unowned, ({ fd }) => fd);
    const endpoints = packEndpoints(this.#binding, fds, unowned.length);
    return unowned.map(({ fd, cookie }, i) => {
      const side = this.#wasAccepted(cookie) ? 'inbound' : 'unknown';
      return newWatchedSocket(cookie, fd, side, undefined, endpoints[i]!, 0, 0);
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
