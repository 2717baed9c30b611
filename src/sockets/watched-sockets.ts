import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { fact } from '../base/fact.js';
import { packEndpoints } from '../kernel/endpoints.js';
import { HalfCloseWatch } from '../kernel/half-close-watch.js';
import type { NativeBinding } from '../kernel/native.js';
import type { Side } from './announcements.js';
import { hasStoppedReading } from './node-internals.js';
import { PendingSockets, type DueSocket } from './pending-sockets.js';

const { errno } = constants;

/** One socket that the table knows. */
export interface Entry {
  readonly cookie: bigint;
  readonly fd: number;
  readonly side: Side;
  /** Weak: being watched must not keep a socket alive. Undefined when no JS socket of this thread owns the fd. */
  readonly socket: WeakRef<Socket> | undefined;
  readonly endpoints: Uint8Array;
  openAtMs: number;
  /** The look in which it went on the watch: an event of that same look may be older than the watch. */
  readonly addedInLook: number;
  aborted: boolean;
  /** Its owner was found to have closed it. */
  closeSeen: boolean;
}

/** Why an announced socket has no place on the watch, and that is all right: closed meanwhile, a pipe, a unix socket, MPTCP. */
const NOT_TCP: ReadonlySet<number> = new Set([errno.EBADF, errno.ENOTSOCK, errno.EPROTONOSUPPORT]);

/** How many watched sockets a look visits: its cost must not follow the number of connections. */
const SWEEP_STEP = 256;

/** This thread's own sockets: first pending, then on the half-close watch until they are closed. */
export class WatchedSockets {
  readonly pending = new PendingSockets();
  readonly #binding: NativeBinding;
  readonly #watch: HalfCloseWatch;
  readonly #entries = new Map<bigint, Entry>();
  #sweep: Iterator<Entry> | undefined;
  #lastDrainAtMs: number;
  #look = 0;
  #refused = 0;

  /** @throws Error CWG_ERR_SYSCALL when the process has no fd left for the watch. */
  constructor(binding: NativeBinding, nowMs: number) {
    this.#binding = binding;
    this.#watch = new HalfCloseWatch(binding);
    this.#lastDrainAtMs = nowMs;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** How many TCP sockets the watch has refused (no memory, a limit on watches) since this was last asked. */
  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  has(cookie: bigint): boolean {
    return this.#entries.has(cookie);
  }

  delete(cookie: bigint): void {
    this.#entries.delete(cookie);
  }

  /** Begins a look: puts the announced sockets that are old enough on the watch. */
  register(nowMs: number, minAgeMs: number): void {
    this.#look++;
    const due = this.pending.takeOlderThan(nowMs - minAgeMs, nowMs);
    if (due.length > 0) this.add(due);
  }

  add(sockets: readonly DueSocket[]): void {
    const fds = sockets.map(({ fd }) => fd);
    const added = this.#watch.add(fds);
    const endpoints = packEndpoints(this.#binding, Int32Array.from(fds), fds.length);
    sockets.forEach(({ socket, side, sinceMs, fd }, i) => {
      const { cookie, errno: refusal } = added[i]!;
      if (refusal !== 0) {
        if (!NOT_TCP.has(refusal)) this.#refused++;
      } else if (!this.#entries.has(cookie)) {
        const entry = newEntry(cookie, fd, side, new WeakRef(socket), endpoints[i]!, sinceMs, this.#look);
        this.#entries.set(cookie, entry);
      }
    });
  }

  /** Those that the peer has left since the last drain. One epoll_wait(2), which never blocks. */
  drain(nowMs: number): Entry[] {
    const previous = this.#lastDrainAtMs;
    this.#lastDrainAtMs = nowMs;
    return this.#watch.drain().flatMap(({ cookie, aborted }) => {
      const entry = this.#entries.get(cookie);
      if (!entry) return [];
      entry.aborted ||= aborted;
      // The previous drain did not mention it, so it was open then; unless it was not on the watch yet.
      if (entry.addedInLook !== this.#look) entry.openAtMs = Math.max(entry.openAtMs, previous);
      return [entry];
    });
  }

  /**
   * Visits a fixed number of sockets, or all. Closed and collected ones are forgotten (the kernel has forgotten their fds by
   * itself); those that JS has stopped reading are returned: they may be stalled, which no event announces.
   */
  sweep(all: boolean): Entry[] {
    const quiet: Entry[] = [];
    if (all) this.#sweep = undefined;
    this.#sweep ??= this.#entries.values();
    for (let visited = 0; all || visited < SWEEP_STEP; visited++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        break;
      }
      const entry = next.value;
      const socket = entry.socket?.deref();
      if (socket === undefined || fact(() => socket.destroyed, false)) this.#entries.delete(entry.cookie);
      else if (hasStoppedReading(socket)) quiet.push(entry);
    }
    return quiet;
  }

  close(): void {
    this.#watch.close();
    this.#entries.clear();
    this.pending.clear();
  }
}

export function newEntry(
  cookie: bigint,
  fd: number,
  side: Side,
  socket: WeakRef<Socket> | undefined,
  endpoints: Uint8Array,
  openAtMs: number,
  addedInLook: number,
): Entry {
  return { cookie, fd, side, socket, endpoints, openAtMs, addedInLook, aborted: false, closeSeen: false };
}
