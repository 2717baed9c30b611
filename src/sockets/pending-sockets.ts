import type { Socket } from 'node:net';
import type { Side } from './announcements.js';
import { fdOf } from './node-internals.js';

interface Pending {
  readonly socket: WeakRef<Socket>;
  readonly side: Side;
  readonly announcedAtMs: number;
}

export interface DueSocket {
  readonly socket: Socket;
  readonly side: Side;
  readonly sinceMs: number;
  readonly fd: number;
}

/**
 * Announced sockets that are not on the watch yet. Most connections are over before they are due, and cost no more than
 * this entry. Weak, so a socket that is dropped is collected as ever.
 */
export class PendingSockets {
  #queue: Pending[] = [];
  #compactAt = 1024;

  get size(): number {
    return this.#queue.length;
  }

  add(socket: Socket, side: Side, announcedAtMs: number): void {
    this.#queue.push({ socket: new WeakRef(socket), side, announcedAtMs });
    // A guard that samples only on demand must not hoard entries of connections long gone.
    if (this.#queue.length >= this.#compactAt) {
      this.#queue = this.#queue.filter(({ socket: ref }) => isOpen(ref.deref()));
      this.#compactAt = Math.max(1024, this.#queue.length * 2);
    }
  }

  /** Removes and returns the open sockets announced at or before `cutoffMs`. One that still connects stays. */
  takeOlderThan(cutoffMs: number, nowMs: number): DueSocket[] {
    // Announced in time order, so the due ones are a prefix.
    let count = this.#queue.findIndex(({ announcedAtMs }) => announcedAtMs > cutoffMs);
    if (count === -1) count = this.#queue.length;
    if (count === 0) return [];
    const due: DueSocket[] = [];
    for (const { socket: ref, side, announcedAtMs } of this.#queue.splice(0, count)) {
      const socket = ref.deref();
      if (socket === undefined || socket.destroyed) continue;
      const fd = fdOf(socket);
      if (fd !== undefined && !socket.connecting) due.push({ socket, side, sinceMs: announcedAtMs, fd });
      else if (socket.connecting) this.#queue.push({ socket: ref, side, announcedAtMs: nowMs });
    }
    return due;
  }

  sockets(): Socket[] {
    return this.#queue.flatMap(({ socket }) => socket.deref() ?? []);
  }

  clear(): void {
    this.#queue = [];
  }
}

function isOpen(socket: Socket | undefined): boolean {
  return socket !== undefined && !socket.destroyed;
}
