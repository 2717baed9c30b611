import type { AddressInfo, Server, Socket } from 'node:net';
import { isObject } from '../base/objects.js';
import type { TracedAt } from '../layers/request-ids.js';
import type { SpanReader } from '../layers/spans.js';
import type { RouteFinder, ServerTimeOuts } from '../sockets/servers.js';
import type { LeakOverview } from './overview.js';
import type { Guard, SocketReport, WatchOptions } from './types.js';

/** `traced`: the trace of the request that had leaked, where it has one. */
export type DurationCallback = (seconds: number, traced?: TracedAt) => void;

/** What other parts of this library ask of a guard, and applications do not. */
export interface GuardInternals {
  /** As {@link Guard.watch}, with what a plugin knows of its application. */
  watch(server: Server, options: WatchOptions, application: WatchedApplication): () => void;
  /**
   * Calls back with how many seconds each socket was half-closed, reset or stalled, when it is closed; leak or not, but only
   * those that a sample saw. Returns its dispose function.
   */
  onDuration(callback: DurationCallback): () => void;
  /**
   * What a scrape asks for before it reads the counts: takes a sample where nothing else does (`sampleInterval: 0`). Otherwise
   * the last sample of the timer is good enough.
   */
  sampleOnDemand(): void;
  /** Has reports name the spans of this process, as a tracing library knows them: of every guard of the thread. Returns its dispose function. */
  readSpansWith(reader: SpanReader): () => void;
  /** Counts what a callback of the application threw, as one given to the guard would. */
  readonly callbackFailed: (error: unknown) => void;
  /** Ids of the sockets whose peer, on this host, has closed, and whose FIN has not arrived yet. */
  socketsAwaitingFin(): Set<string>;
  /**
   * Aborts the connection of a half-closed, reset or stalled socket, by its id, as reclaiming a leak does. False when there
   * is none, or no JS socket of this thread owns it. Only call it for a socket you created.
   */
  destroySocket(id: string): boolean;
  /** {@link destroySocket} for later, also when the guard is closed by then; undefined where there is nothing to end. */
  enderOf(id: string): (() => void) | undefined;
  /** The JS socket of a half-closed, reset or stalled one, by its id; undefined where this thread has none. */
  socketOf(id: string): Socket | undefined;
  /**
   * The open leaks by their fingerprints, the oldest of each described, as of the last sample, and counts, in steps. Never throws.
   * @param mostGroups how many fingerprints; `groupCount` says how many there are
   */
  overview(mostGroups: number): Generator<void, LeakOverview>;
  /** Takes a sample. Ids of what {@link Guard.sockets} would describe. */
  heldIds(): string[];
  /** Describes one of {@link heldIds}, as of the last sample. */
  reportOf(id: string): SocketReport | undefined;
  /**
   * Closes half-closed, reset or stalled sockets, by their ids, as closing their server would; those that no JS socket of this
   * thread owns stay. Only call it for what a test has failed for, or is allowed to leak.
   */
  closeSockets(ids: Iterable<string>): void;
  /**
   * The ends at `localPort` of connections on this host that have not sent their FIN, whichever process holds them, by the
   * ports of their peers; undefined where the kernel does not tell.
   */
  openEndsAt(localPort: number): ReadonlySet<number> | undefined;
}

/** What a framework's plugin knows of the application whose server it watches. */
export interface WatchedApplication {
  /** Every address the server listens on, when it is more than `server.address()`. */
  readonly addresses?: (() => readonly AddressInfo[]) | undefined;
  /** Finds the route of a request by method and url alone, so no request of this server has to be noted. */
  readonly findRoute?: RouteFinder | undefined;
  /** What its routes say of themselves. */
  readonly timeOuts?: ServerTimeOuts | undefined;
}

/** The same in every copy and form of this library, where `instanceof` knows only its own. */
export const GUARD_INTERNALS = Symbol.for('close-wait-guard.internals');

interface WithInternals {
  readonly [GUARD_INTERNALS]: GuardInternals;
}

/** Of a guard that this copy of the library made, or another one; a copy of another version may lack a method. */
export function internalsOf(guard: Guard): GuardInternals {
  return (guard as Guard & WithInternals)[GUARD_INTERNALS];
}

/** Whether this is what createGuard() returns, in this copy of the library or in another. Never throws. */
export function isGuard(value: unknown): value is Guard {
  try {
    return isObject(value) && isObject((value as Partial<WithInternals>)[GUARD_INTERNALS]);
  } catch {
    // A proxy that throws is no guard.
    return false;
  }
}
