import type { Server, Socket } from 'node:net';
import { monotonicMs } from '../base/clock.js';
import { Faults, type KernelOperation } from '../kernel/faults.js';
import { Holders } from '../kernel/holders.js';
import type { NativeBinding } from '../kernel/native.js';
import { missingHere } from '../kernel/self-check.js';
import { listenForRequests } from '../layers/requests.js';
import { activeServers } from '../layers/active-handles.js';
import { serverOf } from '../layers/node-internals.js';
import { AcceptedCookies } from './accepted-cookies.js';
import { listenForSockets, type Announcements } from './announcements.js';
import { Destinations } from './destinations.js';
import { earlierSockets } from './earlier-sockets.js';
import { Finder, type FindOptions } from './finder.js';
import { HalfClosedSockets, type ClosedQueue } from './half-closed-sockets.js';
import { HeldElsewhere } from './held-elsewhere.js';
import { needsRequestChannel, SeenServers, tcpAddressOf } from './servers.js';
import { SuspectReader } from './suspect-reader.js';
import type { Suspect } from './suspect.js';
import { UnannouncedSockets } from './unannounced.js';
import { Transfers } from './transfers.js';
import type { WatchedSocket } from './watched-socket.js';
import { WatchedSockets } from './watched-sockets.js';

/** What can fail in a table: each is counted, and said once. */
export type TableOperation = KernelOperation | 'announce';

export interface SampleOptions extends FindOptions {
  /** Also search for connections that only another process holds, at most this often. */
  readonly foreignEveryMs?: number;
  /** Which half-closed sockets to read: all, or those that are no leaks yet. @default 'all' */
  readonly read?: 'all' | 'fresh';
}

/**
 * Which sockets this thread has, and which of them are half-closed, reset or stalled. One table per thread, shared by all its
 * guards. It keeps no socket alive for longer than one sample interval (see {@link PendingSockets}).
 */
export class SocketTable {
  /** Who else reports a socket that no JS socket of this thread owns. */
  readonly holders: Holders;
  /** Whom this thread has connected to. */
  readonly destinations: Destinations;
  readonly #watched: WatchedSockets;
  readonly #finder: Finder;
  readonly #halfClosed = new HalfClosedSockets();
  readonly #accepted: AcceptedCookies;
  readonly #elsewhere: HeldElsewhere;
  readonly #reader: SuspectReader;
  readonly #servers = new SeenServers(
    (server, socket) => {
      this.#noticeServer(server, socket);
    },
    () => {
      this.#announceFailed();
    },
  );
  readonly #announcements: Announcements;
  #stopListeningForRequests: (() => void) | undefined;
  readonly #faults: Faults<TableOperation>;

  /** `say` hears of each failure that is kept from the application; it is to say an operation once. */
  constructor(binding: NativeBinding, nowMs: number, say: (operation: TableOperation, why: unknown) => void) {
    this.#faults = new Faults(say);
    for (const { operation, why } of missingHere(binding)) this.#faults.note(operation, why);
    this.holders = new Holders(binding, (error) => {
      this.#faults.note('holders', error);
    });
    this.destinations = new Destinations(binding);
    this.#watched = new WatchedSockets(binding, nowMs, this.#faults, this.destinations);
    this.#accepted = new AcceptedCookies(
      binding,
      () => ({ cookies: this.#watched.acceptedCookies(), pending: this.#watched.pending.accepted() }),
      this.#announceFailed,
    );
    const transfers = new Transfers(() => this.#accepted.children());
    this.#elsewhere = new HeldElsewhere(binding, this.#accepted, this.#faults, this.#serverOn, transfers);
    this.#reader = new SuspectReader(binding, this.#faults, this.#serverOn, transfers);
    const unannounced = new UnannouncedSockets(binding, (cookie) => this.#accepted.has(cookie));
    this.#finder = new Finder(
      {
        ...{ binding, unannounced, watched: this.#watched, halfClosed: this.#halfClosed },
        ...{ reader: this.#reader, faults: this.#faults, isKnown: this.#isKnown },
      },
      nowMs,
    );
    this.#announcements = listenForSockets((socket, side, earlier) => {
      if (side === 'inbound') this.#noticeAccepted(socket);
      // Nothing is known of how long one has been half-closed that was there before.
      this.#watched.pending.add(socket, side, earlier ? 0 : monotonicMs());
    }, this.#announceFailed);
  }

  get watchedCount(): number {
    return this.#watched.count;
  }

  get pendingCount(): number {
    return this.#watched.pending.size;
  }

  /** Failures that were kept from the application since they were last taken: guards share the table, and count each once. */
  takeErrors(): Readonly<Partial<Record<TableOperation, number>>> {
    return this.#faults.take();
  }

  /** Takes a sample: finds what became half-closed, reset or stalled since the last one, and reads what is due. */
  sample(nowMs: number, options: SampleOptions = {}): readonly Suspect[] {
    const { wholeFdTable = false, foreignEveryMs, read = 'all' } = options;
    this.holders.beginSample(wholeFdTable);
    this.#finder.find(nowMs, options);
    const suspects = this.#read(read === 'all' ? this.#halfClosed.all() : this.#halfClosed.fresh(), nowMs);
    if (foreignEveryMs === undefined) return suspects;
    const ports = (): number[] => this.#servers.listening().flatMap((server) => tcpAddressOf(server)?.port ?? []);
    const foreign = this.#elsewhere.sample({
      ...{ nowMs, everyMs: foreignEveryMs, ports, isKnown: this.#isKnown, whole: wholeFdTable },
    });
    this.#halfClosed.tellClosed(foreign.closed);
    return [...suspects, ...foreign.suspects];
  }

  /**
   * Until when a sample of a guard with these options finds nothing to do but what {@link standsStill} does: what is half-closed are known
   * leaks, no socket is unwatched, and no search is due.
   */
  quietUntilMs(options: SampleOptions): number {
    const { foreignEveryMs } = options;
    const searches = this.#finder.quietUntilMs(options);
    return foreignEveryMs === undefined ? searches : Math.min(searches, this.#elsewhere.quietUntilMs(foreignEveryMs));
  }

  /**
   * What a sample comes down to where nothing happens: puts the announced sockets on the watch, and says whether no peer has left and no
   * known leak was closed. Else {@link sample} has to follow.
   */
  standsStill(nowMs: number, minAgeMs: number): boolean {
    return this.#finder.standsStill(nowMs, minAgeMs);
  }

  /** Reads these suspects again, and finds no others. */
  readAgain(nowMs: number, cookies: ReadonlySet<bigint>): readonly Suspect[] {
    return [...this.#read(this.#halfClosed.these(cookies), nowMs), ...this.#elsewhere.these(cookies)];
  }

  /** In how many turns of the event loop the known leaks of a sample are to be read; 0 where there are none. */
  get leakSlices(): number {
    return this.#halfClosed.hasLeaks() ? this.#halfClosed.leakSlices : 0;
  }

  /** Reads the known leaks that are due in one of those turns, where samples are `intervalMs` apart and the last `samples` have read none. */
  readLeaks(nowMs: number, intervalMs: number, samples: number): readonly Suspect[] {
    return this.#read(this.#halfClosed.leaksDue(intervalMs, samples), nowMs);
  }

  /** Hears of the sockets that are half-closed no more: closed, or no longer stalled. */
  followClosed(follows: (cookie: bigint) => boolean): ClosedQueue {
    return this.#halfClosed.followClosed(follows);
  }

  /** A guard has found that this socket is a leak: from now on it is read in slices. */
  markLeak(cookie: bigint): void {
    this.#halfClosed.markLeak(cookie);
  }

  /** A guard has closed: its leaks are read again for the others. */
  forgetLeaks(): void {
    this.#halfClosed.forgetLeaks();
  }

  /** Notes every HTTP/1 request from now on. */
  followRequests(): void {
    this.#stopListeningForRequests ??= listenForRequests(this.#announceFailed);
  }

  /**
   * Takes in the sockets, servers and children that were there before this table, as far as Node lists them, as if they had been
   * announced. Costs a few µs for each.
   */
  takeInEarlier(): void {
    try {
      for (const server of activeServers()) {
        if (this.#servers.noticeListening(server) && needsRequestChannel(server)) this.followRequests();
      }
      const sockets = earlierSockets();
      this.#accepted.noteEarlierChildren();
      this.#announcements.announceEarlier(sockets);
    } catch {
      this.#announceFailed();
    }
  }

  /** Says that a guard with a timer samples this table. Returns its dispose function. */
  expectTimedSamples(): () => void {
    return this.#watched.pending.expectTimedSamples();
  }

  /** Whether this socket is one of this thread's that is open, or was when it was last looked at. */
  isWatched(cookie: bigint): boolean {
    return this.#watched.has(cookie);
  }

  /** Servers of this thread that have accepted a connection and still listen. */
  listeningServers(): Server[] {
    return this.#servers.listening();
  }

  /** A guard of another thread or process answers for this socket: this table no longer reads it. */
  answeredElsewhere({ cookie, foreignInode }: Suspect): void {
    this.#halfClosed.delete(cookie);
    // Whether another thread still follows it is asked again whenever the fd walk meets it.
    if (foreignInode !== undefined) this.#elsewhere.isAnsweredFor(cookie);
  }

  close(): void {
    this.#announcements.dispose();
    this.#stopListeningForRequests?.();
    this.#servers.close();
    this.#accepted.close();
    this.holders.close();
    this.#watched.close();
    this.#halfClosed.clear();
  }

  #noticeAccepted(socket: Socket): void {
    this.#accepted.note(socket);
    const server = serverOf(socket);
    if (server) this.#noticeServer(server, socket);
    else this.#servers.noticeReceived(socket);
  }

  #noticeServer(server: Server, socket: Socket): void {
    // Its first connection is noticed before the first request on it.
    if (this.#servers.notice(server, socket) && needsRequestChannel(server)) this.followRequests();
  }

  #read(sockets: readonly WatchedSocket[], nowMs: number): readonly Suspect[] {
    const { suspects, closed, recovered } = this.#reader.read(sockets, nowMs);
    for (const { cookie } of closed) this.#watched.delete(cookie);
    for (const { cookie } of [...closed, ...recovered]) this.#halfClosed.delete(cookie);
    return suspects;
  }

  readonly #isKnown = (cookie: bigint): boolean => this.#watched.has(cookie) || this.#halfClosed.has(cookie);

  readonly #serverOn = (port: number): Server | undefined =>
    this.#servers.listening().find((server) => tcpAddressOf(server)?.port === port);

  readonly #announceFailed = (): void => {
    this.#faults.note('announce', 'a socket or request could not be noted');
  };
}
