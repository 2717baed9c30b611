import type { Socket } from 'node:net';
import type { Side } from '../base/vocabulary.js';
import { booleanProperty, fdOf, isOpen } from '../layers/node-internals.js';

interface Pending {
  readonly socket: Socket | WeakRef<Socket>;
  readonly side: Side;
  readonly announcedAtMs: number;
}

export interface DueSocket {
  readonly socket: Socket;
  readonly side: Side;
  readonly sinceMs: number;
  readonly fd: number;
}

/** So many entries are weak also where a timed guard comes by. */
const WEAK_AT_MOST = 32;
/** Fewest sockets among which it is worth searching for closed ones: where they have just been used, it costs less than in a sample. */
const COMPACT_FROM = 64;

/**
 * Announced sockets that are not on the watch yet. Most connections are over before they are due, and cost no more than
 * this entry.
 *
 * While a timed guard comes by every interval, most entries of a busy server are plain references: a WeakRef costs a microsecond
 * and more in every collection, and such an entry is held for one interval at most (closed ones are dropped as they gather). The
 * first few are weak all the same: where few sockets come, as in a test, nothing holds one that is closed. With on-demand guards
 * alone an entry may wait for ever, so all are weak.
 */
export class PendingSockets {
  #queue: Pending[] = [];
  #compactAt = COMPACT_FROM;
  #timedGuards = 0;

  get size(): number {
    return this.#queue.length;
  }

  /** Says that a guard with a timer is open; the dispose function says that it is closed. */
  expectTimedSamples(): () => void {
    this.#timedGuards++;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      if (--this.#timedGuards > 0) return;
      this.#queue = this.#queue.map((pending) => ({ ...pending, socket: weak(pending.socket) }));
    };
  }

  add(socket: Socket, side: Side, announcedAtMs: number): void {
    const strong = this.#timedGuards > 0 && this.#queue.length >= WEAK_AT_MOST;
    this.#queue.push({ socket: strong ? socket : new WeakRef(socket), side, announcedAtMs });
    if (this.#queue.length < this.#compactAt) return;
    this.#queue = this.#queue.filter(({ socket }) => isOpen(deref(socket)));
    this.#compactAt = Math.max(COMPACT_FROM, this.#queue.length * 2);
  }

  /** Removes and returns the open sockets announced at or before `cutoffMs`. One that still connects stays. */
  takeOlderThan(cutoffMs: number, nowMs: number): DueSocket[] {
    // Announced in time order, so the due ones are a prefix.
    let count = this.#queue.findIndex(({ announcedAtMs }) => announcedAtMs > cutoffMs);
    if (count === -1) count = this.#queue.length;
    if (count === 0) return [];
    const due: DueSocket[] = [];
    for (const pending of this.#queue.splice(0, count)) {
      const socket = deref(pending.socket);
      if (!isOpen(socket)) continue;
      const fd = fdOf(socket);
      if (booleanProperty(socket, 'connecting')) this.#queue.push({ ...pending, announcedAtMs: nowMs });
      else if (fd !== undefined) due.push({ socket, side: pending.side, sinceMs: pending.announcedAtMs, fd });
    }
    return due;
  }

  /** The fds of the announced sockets that have one. */
  fds(): number[] {
    return this.#queue.flatMap(({ socket: ref }) => {
      const socket = deref(ref);
      return (socket && fdOf(socket)) ?? [];
    });
  }

  /** The announced sockets and their sides. */
  sides(): Map<Socket, Side> {
    const sides = new Map<Socket, Side>();
    for (const { socket: ref, side } of this.#queue) {
      const socket = deref(ref);
      if (socket) sides.set(socket, side);
    }
    return sides;
  }

  accepted(): Socket[] {
    return this.#queue.flatMap(({ socket, side }) => (side === 'inbound' ? (deref(socket) ?? []) : []));
  }

  clear(): void {
    this.#queue = [];
  }
}

function deref(socket: Socket | WeakRef<Socket>): Socket | undefined {
  return socket instanceof WeakRef ? socket.deref() : socket;
}

function weak(socket: Socket | WeakRef<Socket>): WeakRef<Socket> {
  return socket instanceof WeakRef ? socket : new WeakRef(socket);
}
