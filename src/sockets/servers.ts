import { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
import { fact } from '../base/fact.js';
import { HttpServer } from '../base/http.js';
import { shared } from '../base/shared-state.js';
import type { Framework } from '../base/vocabulary.js';
import type { Routed } from '../base/wildcard.js';
import { nameOfClass, rawSocketOf } from '../layers/node-internals.js';
import { noteTls } from '../layers/tls.js';
import { Upgrades } from '../layers/upgrades.js';

/** A server given to `watch()`. */
export interface WatchedServer {
  readonly server: Server;
  readonly name: string | undefined;
  /** Every address it listens on: Fastify opens a server of its own for each (secondary servers). */
  readonly addresses: () => readonly AddressInfo[];
  /** The route that a request went to, where a plugin knows its application's; not what the request itself was noted with. */
  readonly routeOf: RouteFinder | undefined;
  /** Where they differ from the guard's. */
  readonly timeOuts: ServerTimeOuts | undefined;
}

/** How long the connections of one server may make no progress, ms. */
export interface ServerTimeOuts {
  /** The shortest; Infinity where none is known yet. */
  readonly leastMs: () => number;
  /** Whether the route matters: only then it is looked up. */
  readonly ofRoutes: boolean;
  /** Undefined: that of the guard. */
  readonly of: (request: Routed) => number | undefined;
}

/** What a request's route is looked up by: an http.IncomingMessage, or what was noted of one. */
export interface RoutedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Left out where only notes are left: of routes that a header tells apart none is named then. */
  readonly headers?: object | undefined;
  /** Where the url was replaced: what the client had sent (Fastify's `rewriteUrl`, middleware). */
  readonly originalUrl?: unknown;
}

/** What the application says of the route that a request went to. */
export interface RouteInfo {
  /** The pattern, as in `/items/:id`; undefined unless `matched`. */
  readonly route: string | undefined;
  /** False: no route takes it, and it was refused (404, 400). Undefined: it cannot be known which route took it, if any. */
  readonly matched: boolean | undefined;
  /** False: its sockets are not to be reclaimed; also where any of the routes it may have gone to says so. */
  readonly reclaim: boolean;
  /** What the route's own configuration says of `closeWaitTimeout`, ms; the longest of those that it may have gone to. */
  readonly closeWaitTimeout?: number | undefined;
  /** Whose router it was asked of, where that is known. */
  readonly framework?: Framework | undefined;
  /** Where the application registered the route, as in `routes/items.js:42`. */
  readonly registeredAt?: string | undefined;
}

/** Undefined: nobody knows the routes of that server. */
export type RouteFinder = (request: RoutedRequest) => RouteInfo | undefined;

/** The servers one guard watches, and what they are called. */
export class WatchedServers {
  readonly #watched = new Map<Server, WatchedServer>();

  add(watched: WatchedServer): () => void {
    this.#watched.set(watched.server, watched);
    return () => {
      if (this.#watched.get(watched.server) === watched) this.#watched.delete(watched.server);
    };
  }

  has(server: Server): boolean {
    return this.#watched.has(server);
  }

  /** The watched server that `server` is, or is a secondary of. */
  find(server: Server): WatchedServer | undefined {
    return this.#watched.get(server) ?? this.#bySharedAddress(server);
  }

  /** The shortest time-out of any of them, ms; Infinity where none has one of its own. */
  get leastTimeOutMs(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { timeOuts } of this.#watched.values()) least = Math.min(least, timeOuts?.leastMs() ?? least);
    return least;
  }

  all(): readonly WatchedServer[] {
    return [...this.#watched.values()];
  }

  clear(): void {
    this.#watched.clear();
  }

  #bySharedAddress(server: Server): WatchedServer | undefined {
    const address = this.#watched.size > 0 ? tcpAddressOf(server) : undefined;
    if (!address) return undefined;
    for (const watched of this.#watched.values()) {
      if (
        fact(() => watched.addresses(), []).some(
          ({ port, address: text }) => port === address.port && text === address.address,
        )
      )
        return watched;
    }
    return undefined;
  }
}

/** The address a server listens on; undefined when it is closed or listens on a pipe. */
export function tcpAddressOf(server: Server): AddressInfo | undefined {
  const address = fact(() => server.address(), null);
  return isTcpAddress(address) ? address : undefined;
}

/** A unix socket's address is a string, and before listen() there is none. */
export function isTcpAddress(address: unknown): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** A server's name in reports and labels, as in `http:8080`: its protocol and port, never an address. */
export function defaultServerName(server: Server, port = tcpAddressOf(server)?.port): string {
  return `${protocolOf(server)}:${port ?? 'closed'}`;
}

/** Whether only http's own channel tells of its requests: not where a plugin knows the routes. */
export function needsRequestChannel(server: Server): boolean {
  return isHttp1(server) && !routesKnown().has(server);
}

/** Says that a plugin knows the routes of this server: no request of it has to be noted. */
export function noteRoutesKnown(server: Server): void {
  routesKnown().add(server);
}

const routesKnown = shared('routes-known', () => new WeakSet<Server>());

function isHttp1(server: Server): boolean {
  return server instanceof HttpServer || server instanceof HttpsServer;
}

function protocolOf(server: Server): string {
  if (nameOfClass(server)?.startsWith('Http2')) return 'http2';
  if (server instanceof HttpsServer) return 'https';
  if (server instanceof HttpServer) return 'http';
  return server instanceof TlsServer ? 'tls' : 'net';
}

/**
 * The servers that have accepted a connection in this thread. On TLS servers it learns which TLSSocket stands above which
 * raw socket, with a 'secureConnection' listener: nothing that Node does depends on whether that event has one, nor on how
 * many. Ours comes last.
 */
export class SeenServers {
  readonly #known = new WeakSet<Server>();
  readonly #upgrades: Upgrades;
  readonly #onSecureConnection: (this: Server, socket: TLSSocket) => void;
  #servers: WeakRef<Server>[] = [];

  /**
   * @param handedTo is told of each connection that another server, or another process, has accepted for an http server
   * @param onError is told of what a listener could not note: thrown out of it, it would end the process
   */
  constructor(handedTo: (server: Server, socket: Socket) => void, onError: () => void) {
    const upgrades = new Upgrades(handedTo, onError);
    this.#upgrades = upgrades;
    this.#onSecureConnection = function onSecureConnection(socket) {
      try {
        const raw = rawSocketOf(socket);
        if (raw) noteTls(raw, socket);
        upgrades.follow(socket, this);
      } catch {
        onError();
      }
    };
  }

  /** Called for each accepted connection: one look-up for a server that is known. Returns whether it is a new one. */
  notice(server: Server, socket: Socket): boolean {
    if (!(server instanceof TlsServer)) this.#upgrades.follow(socket, server);
    return this.noticeListening(server);
  }

  /** As notice(), of a server that need not have accepted anything. */
  noticeListening(server: Server): boolean {
    if (this.#known.has(server)) return false;
    this.#known.add(server);
    this.#servers = this.#servers.filter((ref) => ref.deref() !== undefined);
    this.#servers.push(new WeakRef(server));
    if (server instanceof TlsServer && hasRoomFor(server, 'secureConnection'))
      server.on('secureConnection', this.#onSecureConnection);
    return true;
  }

  /** Called for each connection that was accepted in another process. */
  noticeReceived(socket: Socket): void {
    this.#upgrades.expectHttp(socket);
  }

  listening(): Server[] {
    return this.#servers.flatMap((ref) => ref.deref() ?? []).filter((server) => fact(() => server.listening, false));
  }

  close(): void {
    for (const ref of this.#servers) {
      const server = ref.deref();
      // An application may have added again what it found.
      while (server?.listeners('secureConnection').includes(this.#onSecureConnection))
        server.removeListener('secureConnection', this.#onSecureConnection);
    }
    this.#upgrades.close();
    this.#servers = [];
  }
}

/** Whether one more listener makes Node warn of a leak of listeners. */
function hasRoomFor(server: Server, event: string): boolean {
  const most = server.getMaxListeners();
  return most === 0 || server.listenerCount(event) < most;
}

/** The TCP address of a server, as a list; empty when it is closed. */
export function addressesOf(server: Server): AddressInfo[] {
  const address = tcpAddressOf(server);
  return address ? [address] : [];
}
