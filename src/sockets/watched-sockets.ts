import type { Socket } from 'node:net';
import type { Side } from '../base/vocabulary.js';
import { packEndpoints } from '../kernel/endpoints.js';
import type { KernelOperation } from '../kernel/faults.js';
import { HalfCloseWatch, type Departure } from '../kernel/half-close-watch.js';
import { isInodeIdentity } from '../kernel/identity.js';
import type { NativeBinding } from '../kernel/native.js';
import { cookieRefused, errnoText, messageOf } from '../kernel/self-check.js';
import { hasStoppedReading, isOpen } from '../layers/node-internals.js';
import { PendingSockets, type DueSocket } from './pending-sockets.js';

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
  /** A guard has counted it as a leak. */
  known: boolean;
  /** Its owner was found to have closed it. */
  closeSeen: boolean;
  /** False where no event will tell of its half-close: the kernel has refused to watch it. */
  onWatch: boolean;
}

/** Hears of what the kernel refuses. */
interface FaultSink {
  note(operation: KernelOperation, why: unknown): void;
}

/** How many watched sockets a look visits: its cost must not follow the number of connections. */
const SWEEP_STEP = 256;

/** This thread's own sockets: first pending, then on the half-close watch until they are closed. */
export class WatchedSockets {
  readonly pending = new PendingSockets();
  readonly #binding: NativeBinding;
  readonly #faults: FaultSink;
  readonly #watch: HalfCloseWatch;
  /** The watch has no epoll set: it could not be opened, or read. */
  #lost = true;
  readonly #entries = new Map<bigint, Entry>();
  #forgotten: bigint[] = [];
  #sweep: Iterator<Entry> | undefined;
  #lastDrainAtMs: number;
  #look = 0;

  constructor(binding: NativeBinding, nowMs: number, faults: FaultSink) {
    this.#binding = binding;
    this.#faults = faults;
    this.#watch = new HalfCloseWatch(binding);
    this.#lastDrainAtMs = nowMs;
    this.#reopen();
  }

  get count(): number {
    return this.#entries.size;
  }

  has(cookie: bigint): boolean {
    return this.#entries.has(cookie);
  }

  delete(cookie: bigint): void {
    if (this.#entries.delete(cookie)) this.#forgotten.push(cookie);
  }

  /** Begins a look: puts the announced sockets that are old enough on the watch. */
  register(nowMs: number, minAgeMs: number): void {
    this.#look++;
    if (this.#lost) this.#reopen();
    const due = this.pending.takeOlderThan(nowMs - minAgeMs, nowMs);
    if (due.length > 0) this.add(due);
  }

  add(sockets: readonly DueSocket[]): void {
    const fds = sockets.map(({ fd }) => fd);
    const added = this.#watch.add(fds);
    const endpoints = packEndpoints(this.#binding, Int32Array.from(fds), fds.length);
    sockets.forEach(({ socket, side, sinceMs, fd }, i) => {
      const { cookie, errno } = added[i]!;
      // Closed meanwhile, or a pipe, a unix socket, MPTCP.
      if (cookie === 0n || this.#entries.has(cookie)) return;
      const entry = newEntry(cookie, fd, side, new WeakRef(socket), endpoints[i]!, sinceMs, this.#look);
      entry.onWatch = errno === 0;
      this.#entries.set(cookie, entry);
      if (errno !== 0 && !this.#lost) this.#faults.note('watch_add', watchRefused(errno));
      if (isInodeIdentity(cookie)) this.#faults.note('cookie', cookieRefused('refused'));
    });
  }

  /** Those that the peer has left since the last drain. One epoll_wait(2), which never blocks. */
  drain(nowMs: number): Entry[] {
    const previous = this.#lastDrainAtMs;
    this.#lastDrainAtMs = nowMs;
    return this.#takeEvents().flatMap(({ cookie, aborted }) => {
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
   * itself); those are returned that may have come to a state which no event announces: JS has stopped reading them, or they
   * are not on the watch. These are put on it again; the read of this visit counts even so, because the watch may fail again.
   */
  sweep(all: boolean): Entry[] {
    const quiet: Entry[] = [];
    const unwatched: Entry[] = [];
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
      if (!isOpen(socket)) this.delete(entry.cookie);
      else if (!entry.onWatch) unwatched.push(entry);
      else if (hasStoppedReading(socket)) quiet.push(entry);
    }
    if (unwatched.length > 0) this.#watchAgain(unwatched);
    this.#watch.forget(this.#forgotten);
    this.#forgotten = [];
    return [...quiet, ...unwatched];
  }

  #watchAgain(entries: readonly Entry[]): void {
    if (this.#lost) return;
    const added = this.#watch.add(entries.map(({ fd }) => fd));
    entries.forEach((entry, i) => {
      const { cookie, errno } = added[i]!;
      if (cookie === entry.cookie) entry.onWatch = errno === 0;
      // The fd was closed and is another socket now: that one is not ours to answer for.
      else if (cookie !== 0n && !this.#entries.has(cookie)) this.#forgotten.push(cookie);
    });
  }

  #takeEvents(): Departure[] {
    if (this.#lost) return [];
    try {
      return this.#watch.drain();
    } catch (error) {
      this.#faults.note('watch_wait', watchLost(error));
      this.#lost = true;
      for (const entry of this.#entries.values()) entry.onWatch = false;
      return [];
    }
  }

  #reopen(): void {
    try {
      this.#watch.reopen();
      this.#lost = false;
    } catch (error) {
      this.#faults.note('watch_wait', watchLost(error));
    }
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
  return {
    ...{ cookie, fd, side, socket, endpoints, openAtMs, addedInLook },
    aborted: false,
    known: false,
    closeSeen: false,
    onWatch: true,
  };
}

const watchLost = (error: unknown): string =>
  `${messageOf(error)}. Sockets are looked at in turn until the half-close watch can be opened again`;

const watchRefused = (errno: number): string =>
  `epoll_ctl(EPOLL_CTL_ADD): ${errnoText(errno)}. Such sockets are looked at in turn, and put on the watch when there is room`;
