import type { AddressInfo, Socket } from 'node:net';
import type { LeakReport } from '../leaks/report.js';
import type { RouteFinder } from '../sockets/servers.js';

/** A half-closed, reset or stalled socket: a leak, or not yet one. */
export interface SocketReport extends LeakReport {
  /** True when it has been reported as a leak. */
  readonly leaked: boolean;
}

/** What a socket's report says of it as a leak, whether or not it has been reported as one. @internal */
export function asLeak({ leaked: _leaked, ...report }: SocketReport): LeakReport {
  return report;
}

export interface WatchOptions {
  /** What reports and metrics call the server: 1 to 100 letters, digits, spaces or any of _ . : @ / -. @default its protocol and port, as in `http:8080` */
  name?: string | undefined;
}

/** How a guard is used by another part of this library. @internal */
export interface GuardRole {
  /** Sees every socket whoever reports it, and is never the one that reports: for tests. */
  readonly observer?: boolean;
}

/** @internal */
export interface WatchInternals {
  /** Every address the server listens on, when it is more than `server.address()`. */
  readonly addresses?: () => readonly AddressInfo[];
  /** A plugin knows the routes of its application: no request of this server has to be noted. */
  readonly routeOf?: RouteFinder;
}

export interface GuardEvents {
  /** A socket became a leak. Once for each. The socket is undefined when no JS socket of this thread owns the fd. */
  leak: [leak: LeakReport, socket: Socket | undefined];
  /** A reported leak was closed after all. Once for each. */
  released: [leak: LeakReport];
  /** A leak was destroyed by the guard (`reclaim`). Once for each; it is not `released` then. */
  reclaimed: [leak: LeakReport];
}
