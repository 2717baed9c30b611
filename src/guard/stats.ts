import type { LeakKind, Side } from '../base/vocabulary.js';
import { KERNEL_OPERATIONS } from '../kernel/faults.js';
import type { OpenLeakCount } from './open-leaks.js';
import type { LeakCount } from './tallies.js';

export type { OpenLeakCount } from './open-leaks.js';
export type { LeakCount } from './tallies.js';

/** A listening server as the kernel sees it. */
export interface ListenerStats {
  readonly server: string;
  /**
   * Connections that wait for accept(2) (`tcpi_unacked` of a listener; in a cluster worker, whose listening socket is the
   * primary's, as sock_diag has it). Undefined where the kernel does not tell.
   */
  readonly acceptQueue: number | undefined;
  /** The backlog the kernel granted (`tcpi_sacked` of a listener); undefined likewise. */
  readonly acceptQueueLimit: number | undefined;
  /** Of the waiting ones, those whose client has already gone; undefined where netlink is refused. */
  readonly acceptQueueCloseWait: number | undefined;
  /** FIN_WAIT_2 sockets on this port: the remote end has not closed. Undefined where netlink is refused. */
  readonly finWait2: number | undefined;
}

/** A host that this process connects to. */
export interface DestinationStats {
  /** Its name, as the connection was asked for, else its address; `other` for those beyond the first 50. */
  readonly destination: string;
  /** FIN_WAIT_2 sockets to it: this end has closed, that host has not. Undefined where netlink is refused. */
  readonly finWait2: number | undefined;
}

/** The last sample that came to its end. */
export interface LastSample {
  /** How long it held the event loop, ms: the longest of its turns. */
  readonly durationMs: number;
  /** How many sockets it read. */
  readonly socketsRead: number;
  /** When it ended, ms since 1970; 0 before the first, undefined where none will come: not supported, or closed. */
  readonly endedAt: number | undefined;
}

export interface GuardStats {
  /** Version of this library, as in `1.2.3`. */
  readonly version: string;
  /** False where the addon cannot run; every count is then 0. */
  readonly supported: boolean;
  readonly unsupportedReason: string | undefined;
  /** Sockets on the half-close watch of this thread. */
  readonly watched: number;
  /** Announced sockets that are too young for the watch. */
  readonly pending: number;
  /** Half-closed sockets (CLOSE_WAIT), leaks or not yet. */
  readonly halfClosed: readonly { readonly side: Side; readonly server: string; readonly count: number }[];
  readonly leaks: readonly LeakCount[];
  /** The open leaks by more labels: at most 500 rows, with every open leak in one of them. */
  readonly openLeaks: readonly OpenLeakCount[];
  readonly released: Readonly<Record<LeakKind, number>>;
  readonly reclaimed: Readonly<Record<LeakKind, number>>;
  /** Leaks beyond `maxReported`: counted here only. */
  readonly unreported: number;
  /** Open leaks that a rule of `ignore` fits; no other count of leaks has them. */
  readonly ignored: number;
  /** Age of the oldest half-closed or reset socket, ms; 0 when there is none. */
  readonly oldestMs: number;
  /**
   * The chance that the next connection of a peer picks a port pair that a leak still holds, for the worst peer: its leaks
   * on one listening port over the size of the ephemeral port range. 0 to 1.
   */
  readonly portCollisionRatio: number;
  /** Unread bytes held by leaks, in the kernel and in streams. */
  readonly unreadBytes: number;
  readonly listeners: readonly ListenerStats[];
  /** Hosts that have owed a FIN since the guard was created; see {@link DestinationStats}. */
  readonly destinations: readonly DestinationStats[];
  /** Open fds of the process (undefined without /proc) and their soft limit (RLIMIT_NOFILE). */
  readonly fds: { readonly open: number | undefined; readonly limit: number };
  /**
   * Connections refused because an accept queue was full, since the network namespace began (`TcpExt.ListenOverflows`): of all its
   * processes. Undefined without /proc.
   */
  readonly listenOverflows: number | undefined;
  readonly lastSample: LastSample;
  /** Failures that were kept from the application, by operation. */
  readonly errors: Readonly<Record<GuardOperation, number>>;
}

export const GUARD_OPERATIONS = ['sample', 'fact', 'announce', 'callback', 'scrape', ...KERNEL_OPERATIONS] as const;
export type GuardOperation = (typeof GUARD_OPERATIONS)[number];
