import type { Socket } from 'node:net';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { fstatSync } from 'node:fs';
import { fact } from '../base/fact.js';
import { TcpState } from '../base/tcp-states.js';
import { identityOfInode } from '../kernel/identity.js';
import { socketFdsOf } from '../kernel/process-fds.js';
import type { NativeBinding } from '../kernel/native.js';
import { dumpSockets } from '../kernel/sock-diag.js';
import { activeChildren, activeServers, activeSockets } from '../layers/active-handles.js';
import { fdSentTo, pidOf } from '../layers/ipc-internals.js';
import { fdOf, isOpen } from '../layers/node-internals.js';

/** From so many cookies on, those of sockets that are gone are searched for. */
const PRUNE_FROM = 4_096;
/** A socket that is being accepted while a child is started is among the newest handles. */
const NEWEST = 32;
/** What a socket that some process has can be in. */
const HELD_STATES = [
  TcpState.ESTABLISHED,
  TcpState.FIN_WAIT1,
  TcpState.FIN_WAIT2,
  TcpState.CLOSE_WAIT,
  TcpState.LAST_ACK,
  TcpState.CLOSING,
];

/** The inodes of the sockets that servers of this thread listen on. */
function listenersOfThisProcess(): number[] {
  return activeServers().flatMap((server) => {
    const fd = fdOf(server);
    return fd === undefined ? [] : fact(() => [fstatSync(fd).ino], []);
  });
}

/** The accepted connections that this thread has now. */
export interface AcceptedNow {
  readonly cookies: Iterable<bigint>;
  readonly pending: readonly Socket[];
}

/**
 * Which connections this process has accepted, also those that it has no more: only these can another process have from it.
 * What else has our port number is another program's. Nothing is kept before the first child is started.
 */
export class AcceptedCookies {
  readonly #binding: NativeBinding;
  readonly #acceptedNow: () => AcceptedNow;
  readonly #onError: () => void;
  readonly #cookies = new Set<bigint>();
  readonly #fd = new Int32Array(1);
  readonly #cookie = new BigUint64Array(1);
  #children: WeakRef<object>[] = [];
  #hasChildren = false;
  readonly #pruneFrom: number;
  #pruneAt: number;

  constructor(binding: NativeBinding, acceptedNow: () => AcceptedNow, onError: () => void, pruneFrom = PRUNE_FROM) {
    this.#binding = binding;
    this.#pruneFrom = this.#pruneAt = pruneFrom;
    this.#acceptedNow = acceptedNow;
    this.#onError = onError;
    subscribe('child_process', this.#onChild);
  }

  /** Whether this process has started another: before that nobody can have inherited anything. */
  get hasChildren(): boolean {
    return this.#hasChildren;
  }

  /** Those that have not been collected, running or not. */
  children(): object[] {
    return this.#children.flatMap((ref) => ref.deref() ?? []);
  }

  get size(): number {
    return this.#cookies.size;
  }

  has(cookie: bigint, inode?: number): boolean {
    return this.#cookies.has(cookie) || (inode !== undefined && this.#cookies.has(identityOfInode(inode)));
  }

  /** Called for each accepted connection, after the application's listener: it may have sent it to a child already. */
  note(socket: Socket): void {
    if (!this.#hasChildren) return;
    const fd = fdOf(socket);
    if (fd !== undefined) this.#add(fd);
    else if (isOpen(socket)) this.#addSent();
    if (this.#cookies.size >= this.#pruneAt) this.#prune();
  }

  /**
   * The children that were started before anybody listened: what they hold, they have from here, unless they accept connections
   * of the same server themselves.
   */
  noteEarlierChildren(): void {
    for (const child of activeChildren()) {
      const pid = pidOf(child);
      if (pid === undefined) continue;
      this.#noteChild(child);
      const held = socketFdsOf(pid) ?? new Map<number, number>();
      if (listenersOfThisProcess().some((inode) => held.has(inode))) continue;
      for (const inode of held.keys()) this.#cookies.add(identityOfInode(inode));
    }
  }

  close(): void {
    unsubscribe('child_process', this.#onChild);
    this.#cookies.clear();
    this.#children = [];
  }

  #add(fd: number): void {
    if (this.#binding.listTcpFds(fd, fd + 1, this.#fd, this.#cookie) === 1) this.#cookies.add(this.#cookie[0]!);
  }

  #addSent(): void {
    for (const child of this.children()) {
      const fd = fdSentTo(child);
      if (fd !== undefined) this.#add(fd);
    }
  }

  #prune(): void {
    try {
      this.#dropClosed();
    } catch {
      // Where sock_diag is refused nothing is found with these cookies either.
      this.#cookies.clear();
    }
    this.#pruneAt = Math.max(this.#pruneFrom, this.#cookies.size * 2);
  }

  #dropClosed(): void {
    const held = new Set<bigint>();
    dumpSockets(this.#binding, HELD_STATES, undefined, {
      expected: this.#cookies.size * 2,
      keep: (cookie, inode) => {
        held.add(cookie).add(identityOfInode(inode));
        return false;
      },
    });
    for (const cookie of this.#cookies) if (!held.has(cookie)) this.#cookies.delete(cookie);
  }

  #noteChild(child: object): void {
    this.#children = [...this.#children.filter((ref) => ref.deref() !== undefined), new WeakRef(child)];
    const known = this.#hasChildren ? undefined : this.#acceptedNow();
    this.#hasChildren = true;
    for (const cookie of known?.cookies ?? []) this.#cookies.add(cookie);
    // A 'connection' listener may start the child: its socket is announced only after it.
    for (const socket of [...(known?.pending ?? []), ...activeSockets(NEWEST)]) {
      const fd = fdOf(socket);
      if (fd !== undefined) this.#add(fd);
    }
  }

  readonly #onChild = (message: unknown): void => {
    try {
      this.#noteChild((message as { readonly process: object }).process);
    } catch {
      this.#onError();
    }
  };
}
