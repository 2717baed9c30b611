import { packEndpoints } from '../kernel/endpoints.js';
import type { FaultSink, KernelOperation } from '../kernel/faults.js';
import { HalfCloseWatch, type HalfClose } from '../kernel/half-close-watch.js';
import { isInodeIdentity, isRefusal } from '../kernel/identity.js';
import type { NativeBinding } from '../kernel/native.js';
import { cookieRefused, errnoText, identityRefused, messageOf } from '../kernel/self-check.js';
import { hasStoppedReading, hasTcpHandle, isOpen, isReading } from '../layers/node-internals.js';
import type { Destinations } from './destinations.js';
import { PendingSockets, type DueSocket } from './pending-sockets.js';
import { WatchedByFd } from './watched-by-fd.js';
import { WatchedSocket } from './watched-socket.js';

/** This thread's own sockets: first pending, then on the half-close watch until they are closed. */
export class WatchedSockets {
  readonly pending = new PendingSockets();
  readonly #binding: NativeBinding;
  readonly #faults: FaultSink<KernelOperation>;
  readonly #destinations: Destinations;
  readonly #watch: HalfCloseWatch;
  /** The kernel tells the peer of a socket that was reset: what it is called can be read when it is of interest. */
  readonly #peersAreRemembered: boolean;
  /** The watch has no epoll set: it could not be opened, or read. */
  #lost = true;
  readonly #sockets = new Map<bigint, WatchedSocket>();
  readonly #byFd = new WatchedByFd();
  #forgotten: bigint[] = [];
  #unwatched = 0;
  #lastDrainAtMs: number;
  #samples = 0;
  /** {@link standStill} has begun the sample that comes next, and has taken these from the watch. */
  #begun = false;
  #taken: readonly HalfClose[] = NO_EVENTS;

  constructor(binding: NativeBinding, nowMs: number, faults: FaultSink<KernelOperation>, destinations: Destinations) {
    this.#destinations = destinations;
    this.#binding = binding;
    this.#faults = faults;
    this.#watch = new HalfCloseWatch(binding);
    this.#peersAreRemembered = binding.checkKernel().peerName === 0;
    this.#lastDrainAtMs = nowMs;
    this.#reopen();
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** Whether some are not on the watch, so that only a visit tells what became of them. */
  get hasUnwatched(): boolean {
    return this.#unwatched > 0;
  }

  has(cookie: bigint): boolean {
    return this.#sockets.has(cookie);
  }

  /** A byte for each fd, not 0 where it was given to one of these sockets, or is announced. The next call changes it. */
  knownFds(): Uint8Array {
    return this.#byFd.marksWith(this.pending.fds());
  }

  acceptedCookies(): bigint[] {
    return [...this.#sockets.values()].flatMap(({ cookie, side }) => (side === 'inbound' ? cookie : []));
  }

  delete(cookie: bigint): void {
    const watched = this.#sockets.get(cookie);
    if (!watched) return;
    this.#sockets.delete(cookie);
    this.#byFd.delete(watched);
    this.#setWatched(watched, true);
    this.#forgotten.push(cookie);
  }

  /** Begins a sample: puts the announced sockets that are old enough on the watch. */
  register(nowMs: number, minAgeMs: number): void {
    const begun = this.#begun;
    this.#begun = false;
    if (begun) return;
    this.#samples++;
    if (this.#lost) this.#reopen();
    const due = this.pending.takeOlderThan(nowMs - minAgeMs, nowMs);
    if (due.length > 0) this.add(due);
  }

  add(sockets: readonly DueSocket[]): void {
    // What libuv has made for TCP need not be asked what it is: of a pipe only the kernel tells.
    const [tcp, others] = [sockets.filter(isTcp), sockets.filter((due) => !isTcp(due))];
    this.#add(tcp, true);
    if (others.length > 0) this.#add(others, false);
  }

  #add(sockets: readonly DueSocket[], areTcp: boolean): void {
    const fds = Int32Array.from(sockets, ({ fd }) => fd);
    const { cookies, errnos } = this.#watch.add(fds, areTcp);
    for (let i = 0; i < fds.length; i++) {
      const cookie = cookies[i]!;
      if (cookie === 0n && isRefusal(errnos[i]!)) this.#faults.note('cookie', identityRefused(errnos[i]!));
      // Closed meanwhile, or a pipe, a unix socket, MPTCP.
      if (cookie !== 0n && !this.#sockets.has(cookie)) this.#added(sockets[i]!, cookie, errnos[i]!);
    }
  }

  #added({ socket, side, sinceMs, fd }: DueSocket, cookie: bigint, errno: number): void {
    const watched = new WatchedSocket(cookie, fd, side, new WeakRef(socket), sinceMs, this.#samples);
    this.#sockets.set(cookie, watched);
    const before = this.#byFd.set(watched);
    // Its fd was given to another socket, so it is closed.
    if (before) this.delete(before.cookie);
    if (side === 'outbound' || !this.#peersAreRemembered) {
      [watched.endpoints] = packEndpoints(this.#binding, Int32Array.of(fd), 1);
      if (side === 'outbound') this.#destinations.note(socket, watched.endpoints!);
    }
    if (errno !== 0) {
      this.#setWatched(watched, false);
      if (!this.#lost) this.#faults.note('watch_add', watchRefused(errno));
    }
    if (isInodeIdentity(cookie)) this.#faults.note('cookie', cookieRefused('refused'));
  }

  /** Whether an event tells of each half-close. */
  get allAreWatched(): boolean {
    return this.#unwatched === 0 && !this.#lost;
  }

  /**
   * A sample of its own, where {@link allAreWatched}: puts the announced sockets on the watch as {@link register} does, and returns whether
   * no peer has sent its FIN or a RST since the last drain. Else register() and drain() go on from there.
   */
  standStill(nowMs: number, minAgeMs: number): boolean {
    this.register(nowMs, minAgeMs);
    this.#taken = this.#takeEvents();
    this.#begun = this.#taken.length > 0 || !this.allAreWatched;
    if (this.#begun) return false;
    this.#lastDrainAtMs = nowMs;
    return true;
  }

  /** Those whose peer has sent its FIN or a RST since the last drain. One epoll_wait(2), which never blocks. */
  drain(nowMs: number): readonly WatchedSocket[] {
    const previous = this.#lastDrainAtMs;
    this.#lastDrainAtMs = nowMs;
    const events = this.#taken.length > 0 ? [...this.#taken, ...this.#takeEvents()] : this.#takeEvents();
    this.#taken = NO_EVENTS;
    if (events.length === 0) return NONE;
    return events.flatMap(({ cookie, aborted }) => {
      const watched = this.#sockets.get(cookie);
      if (!watched) return [];
      watched.aborted ||= aborted;
      // The previous drain did not mention it, so it was open then; unless it was not on the watch yet.
      if (watched.addedInSample !== this.#samples) watched.openAtMs = Math.max(watched.openAtMs, Math.floor(previous));
      return [watched];
    });
  }

  /**
   * Visits so many sockets, in the order of their fds, round and round. Closed and collected ones are forgotten (the kernel has
   * forgotten their fds by itself); those are returned that may have come to a state which no event announces: JS has stopped reading
   * them, or they are not on the watch. These are put on it again; the read of this visit counts even so, because the watch may
   * fail again.
   */
  sweep(count: number): readonly WatchedSocket[] {
    const quiet: WatchedSocket[] = [];
    const unwatched: WatchedSocket[] = [];
    this.#byFd.visit(count, (watched) => {
      const socket = watched.socket?.deref();
      if (watched.onWatch && socket && isReading(socket)) return;
      if (!isOpen(socket)) this.delete(watched.cookie);
      else if (!watched.onWatch) unwatched.push(watched);
      else if (hasStoppedReading(socket)) quiet.push(watched);
    });
    if (unwatched.length > 0) this.#watchAgain(unwatched);
    return unwatched.length > 0 ? [...quiet, ...unwatched] : quiet;
  }

  /** Ends a sample: this thread no longer answers for those that were deleted. Returns how many. */
  forget(): number {
    const { length } = this.#forgotten;
    if (length === 0) return 0;
    this.#watch.forget(this.#forgotten);
    this.#forgotten = [];
    return length;
  }

  #watchAgain(sockets: readonly WatchedSocket[]): void {
    if (this.#lost) return;
    const { cookies, errnos } = this.#watch.add(Int32Array.from(sockets, ({ fd }) => fd));
    sockets.forEach((watched, i) => {
      const cookie = cookies[i]!;
      if (cookie === watched.cookie) this.#setWatched(watched, errnos[i] === 0);
      // The fd was closed and is another socket now: that one is not ours to answer for.
      else if (cookie !== 0n && !this.#sockets.has(cookie)) this.#forgotten.push(cookie);
    });
  }

  #setWatched(watched: WatchedSocket, onWatch: boolean): void {
    if (watched.onWatch !== onWatch) this.#unwatched += onWatch ? -1 : 1;
    watched.onWatch = onWatch;
  }

  #takeEvents(): readonly HalfClose[] {
    if (this.#lost) return NO_EVENTS;
    try {
      return this.#watch.drain();
    } catch (error) {
      this.#faults.note('watch_wait', watchLost(error));
      this.#lost = true;
      for (const watched of this.#sockets.values()) this.#setWatched(watched, false);
      return NO_EVENTS;
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
    this.#byFd.clear();
    this.pending.clear();
  }
}

const NONE: readonly WatchedSocket[] = [];
const NO_EVENTS: readonly HalfClose[] = [];

const isTcp = ({ socket }: DueSocket): boolean => hasTcpHandle(socket);

const watchLost = (error: unknown): string =>
  `${messageOf(error)}. Sockets are read in turn until the half-close watch can be opened again`;

const watchRefused = (errno: number): string =>
  `epoll_ctl(EPOLL_CTL_ADD): ${errnoText(errno)}. Such sockets are read in turn, and put on the watch when there is room`;
