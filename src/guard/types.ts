import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { LeakReport } from '../leaks/report.js';
import type { Health, HealthLimits } from './health.js';
import type { GuardStats } from './stats.js';

/**
 * Finds leaked sockets of this thread, see {@link createGuard}. Where the addon cannot run, `supported` is false and every
 * method works and finds nothing.
 */
export interface Guard extends EventEmitter<GuardEvents>, Disposable {
  /** False where the addon cannot run (another OS, no binary): the guard then finds nothing. */
  readonly supported: boolean;
  /**
   * Reports the connections of `server` (net, tls, http, https or http2) under a name; with scope `'watched'`, the only
   * connections it reports. A second call for the same server replaces the options of the first. Returns a dispose function,
   * which is idempotent.
   * @throws GuardError CWG_ERR_ARGUMENT naming the argument, the value it got and the values it takes; CWG_ERR_CLOSED
   */
  watch(server: Server, options?: WatchOptions): () => void;
  /** The leaks of this moment, read from the kernel now. Costs one sample; see `stats().lastSample`. */
  leaks(): LeakReport[];
  /** Every half-closed, reset or stalled socket, leak or not yet, read from the kernel now. */
  sockets(): SocketReport[];
  /**
   * Counts as of the last sample, and the listeners' queues and fd use of this moment. Takes no sample and describes no
   * socket, so it is cheap however many leaks there are. Never throws.
   */
  stats(): GuardStats;
  /**
   * Whether the service does well enough to be given work, for a readiness probe or the `healthCheck` of @fastify/under-pressure.
   * What was too much is well again below four fifths of its limit. Where the addon cannot run it is always ok: what nobody can see
   * is no reason to take a service out. As of the last sample; takes none. Not for a liveness probe: a restart destroys the evidence.
   * @throws GuardError CWG_ERR_ARGUMENT naming the limit, the value it got and the values it takes
   */
  health(limits?: HealthLimits): Health;
  /** Stops sampling and leaves the process as it was. Idempotent. Listeners stay, and hear nothing more. */
  close(): void;
}

/** Events of a {@link Guard}. */
export interface GuardEvents {
  /** A socket became a leak. Once for each. The socket is undefined when no JS socket of this thread owns the fd. */
  leak: [leak: LeakReport, socket: Socket | undefined];
  /** A reported leak was closed after all. Once for each. */
  released: [leak: LeakReport];
  /** A leak was destroyed by the guard (`reclaim`). Once for each; it is not `released` then. */
  reclaimed: [leak: LeakReport];
}

/** A half-closed, reset or stalled socket: a leak, or not yet one. */
export interface SocketReport extends LeakReport {
  /** True when it has been reported as a leak. */
  readonly leaked: boolean;
  /** True when it is a leak that a rule of the option `ignore` fits. */
  readonly ignored: boolean;
}

/** Options of {@link Guard.watch}. */
export interface WatchOptions {
  /** What reports and metrics call the server: 1 to 100 letters, digits, spaces or any of _ . : @ / -. @default its protocol and port, as in `http:8080` */
  name?: string | undefined;
  /**
   * The pattern of the route that a request went to, as in `/items/:id`, for reports and labels: any router in one line, see
   * docs/frameworks.md. Called when a leak is reported or described, not for each request. Undefined, or an empty string: no
   * pattern is known, and the framework's own is used where it can be read (Fastify, Express, Next, restify).
   *
   * A pattern is written in printable ASCII (other characters, quotes, backslashes and angle brackets as %XX), without a query,
   * and is cut after 200 characters. What it throws costs the pattern only and is counted in `stats().errors.callback`. What is
   * no string, such as a promise, is ignored, and counted there once for each call of `watch()`. @default none: reports have the framework's own pattern, or the path without its query and with its ids folded
   */
  routeOf?: ((request: RoutedRequest) => string | undefined) | undefined;
  /**
   * As the guard's `closeWaitTimeout`, of this server's connections: a number, or one for each route as in
   * `{ 'POST /export/:id': 300_000, '/stream/*': 600_000 }`. Routes are as reports have them, `*` stands for any characters, the
   * first that fits counts. ms, 1 to 86,400,000. @default that of the guard
   */
  closeWaitTimeout?: number | Readonly<Record<string, number>> | undefined;
}

/**
 * The request that {@link WatchOptions.routeOf} is asked about: the http.IncomingMessage itself, with whatever a framework put
 * on it, as long as Node has it; afterwards only what was noted of it, which is `method` and `url`.
 */
export interface RoutedRequest {
  readonly method?: string | undefined;
  /** As it is now: a framework may have taken a prefix off. */
  readonly url?: string | undefined;
  readonly headers?: IncomingHttpHeaders | undefined;
  /** What the client sent, where a framework keeps it (Express, Fastify's `rewriteUrl`). */
  readonly originalUrl?: string | undefined;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- properties of frameworks, whose types are not known here
  readonly [property: string]: any;
}
