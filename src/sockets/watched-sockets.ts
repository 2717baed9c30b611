import { packEndpoints } from '../kernel/endpoints.js';
import type { FaultSink, KernelOperation } from '../kernel/faults.js';
import { HalfCloseWatch, type HalfClose } from '../kernel/half-close-watch.js';
import { isInodeIdentity, isRefusal } from '../kernel/identity.js';
import type { NativeBinding } from '../kernel/native.js';
import { cookieRefused, errnoText, identityRefused, messageOf } from '../kernel/self-check.js';
import { hasStoppedReading, isOpen } from '../layers/node-internals.js';
import type { Destinations } from './destinations.js';
import { PendingSockets, type DueSocket } from './pending-sockets.js';
import { newWatchedSocket, type WatchedSocket } from './watched-socket.js';

/** How many watched sockets a sample visits: its cost must not follow the number of connections. */
const SWEEP_STEP = 256;

/** This thread's own sockets: first pending, then on the half-close watch until they are closed. */
export class WatchedSockets {
  readonly pending = new PendingSockets();
  readonly #binding: NativeBinding;
  readonly #faults: FaultSink<KernelOperation>;
  readonly #destinations: Destinations;
  readonly #watch: HalfCloseWatch;
  /** The watch has no epoll set: it could not be opened, or read. */
  #lost = true;
  readonly #sockets = new Map<bigint, WatchedSocket>();
  #forgotten: bigint[] = [];
  #sweep: Iterator<WatchedSocket> | undefined;
  #lastDrainAtMs: number;
  #samples = 0;

  constructor(binding: NativeBinding, nowMs: number, faults: FaultSink<KernelOperation>, destinations: Destinations) {
    this.#destinations = destinations;
    this.#binding = binding;
    this.#faults = faults;
    this.#watch = new HalfCloseWatch(binding);
    this.#lastDrainAtMs = nowMs;
    this.#reopen();
  }

  get count(): number {
    return this.#sockets.size;
  }

  has(cookie: bigint): boolean {
    return this.#sockets.has(cookie);
  }

  acceptedCookies(): bigint[] {
    return [...this.#sockets.values()].flatMap(({ cookie, side }) => (side === 'inbound' ? cookie : []));
  }

  delete(cookie: bigint): void {
    if (this.#sockets.delete(cookie)) this.#forgotten.push(cookie);
  }

  /** Begins a sample: puts the announced sockets that are old enough on the watch. */
  register(nowMs: number, minAgeMs: number): void {
    this.#samples++;
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
      if (cookie === 0n && isRefusal(errno)) this.#faults.note('cookie', identityRefused(errno));
      // Closed meanwhile, or a pipe, a unix socket, MPTCP.
      if (cookie === 0n || this.#sockets.has(cookie)) return;
      const watched = newWatchedSocket(cookie, fd, side, new WeakRef(socket), endpoints[i]!, sinceMs, this.#samples);
      watched.onWatch = errno === 0;
      if (side === 'outbound') this.#destinations.note(socket, watched.endpoints);
      this.#sockets.set(cookie, watched);
      if (errno !== 0 && !this.#lost) this.#faults.note('watch_add', watchRefused(errno));
      if (isInodeIdentity(cookie)) this.#faults.note('cookie', cookieRefused('refused'));
    });
  }

  /** Those whose peer has sent its FIN or a RST since the last drain. One epoll_wait(2), which never blocks. */
  drain(nowMs: number): WatchedSocket[] {
    const previous = this.#lastDrainAtMs;
    this.#lastDrainAtMs = nowMs;
    return this.#takeEvents().flatMap(({ cookie, aborted }) => {
      const watched = this.#sockets.get(cookie);
      if (!watched) return [];
      watched.aborted ||= aborted;
      // The previous drain did not mention it, so it was open then; unless it was not on the watch yet.
      if (watched.addedInSample !== this.#samples) watched.openAtMs = Math.max(watched.openAtMs, previous);
      return [watched];
    });
  }

  /**
   * Visits a fixed number of sockets, or all. Closed and collected ones are forgotten (the kernel has forgotten their fds by
   * itself); those are returned that may have come to a state which no event announces: JS has stopped reading them, or they
   * are not on the watch. These are put on it again; the read of this visit counts even so, because the watch may fail again.
   */
  sweep(all: boolean): WatchedSocket[] {
    const quiet: WatchedSocket[] = [];
    const unwatched: WatchedSocket[] = [];
    if (all) this.#sweep = undefined;
    this.#sweep ??= this.#sockets.values();
    for (let visited = 0; all || visited < SWEEP_STEP; visited++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        break;
      }
      const watched = next.value;
      const socket = watched.socket?.deref();
      if (!isOpen(socket)) this.delete(watched.cookie);
      else if (!watched.onWatch) unwatched.push(watched);
      else if (hasStoppedReading(socket)) quiet.push(watched);
    }
    if (unwatched.length > 0) this.#watchAgain(unwatched);
    this.#watch.forget(this.#forgotten);
    this.#forgotten = [];
    return [...quiet, ...unwatched];
  }

  #watchAgain(sockets: readonly WatchedSocket[]): void {
    if (this.#lost) return;
    const added = this.#watch.add(sockets.map(({ fd }) => fd));
    sockets.forEach((watched, i) => {
      const { cookie, errno } = added[i]!;
      if (cookie === watched.cookie) watched.onWatch = errno === 0;
      // The fd was closed and is another socket now: that one is not ours to answer for.
      else if (cookie !== 0n && !this.#sockets.has(cookie)) this.#forgotten.push(cookie);
    });
  }

  #takeEvents(): HalfClose[] {
    if (this.#lost) return [];
    try {
      return this.#watch.drain();
    } catch (error) {
      this.#faults.note('watch_wait', watchLost(error));
      this.#lost = true;
      for (const watched of this.#sockets.values()) watched.onWatch = false;
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
    this.#sockets.clear();
    this.pending.clear();
  }
}

const watchLost = (error: unknown): string =>
  `${messageOf(error)}. Sockets are read in turn until the half-close watch can be opened again`;

const watchRefused = (errno: number): string =>
  `epoll_ctl(EPOLL_CTL_ADD): ${errnoText(errno)}. Such sockets are read in turn, and put on the watch when there is room`;
