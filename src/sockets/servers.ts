import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
import { fact } from '../base/fact.js';
import { shared } from '../base/shared-state.js';
import { nameOfClass, rawSocketOf } from './node-internals.js';
import { noteTls } from './notes.js';
import { followUpgrades, unfollowUpgrades } from './upgrades.js';

/** A server given to `watch()`. */
export interface WatchedServer {
  readonly server: Server;
  readonly name: string | undefined;
  /** Every address it listens on: Fastify opens a server of its own for each (secondary servers). */
  readonly addresses: () => readonly AddressInfo[];
  /** The route that a request went to, where a plugin knows its application's; not what the request itself was noted with. */
  readonly routeOf: RouteFinder | undefined;
}

/** What the application says of a route. */
export interface RouteInfo {
  /** The pattern, as in `/items/:id`. */
  readonly route: string;
  /** False: its sockets are not to be reclaimed. */
  readonly reclaim: boolean;
}

export type RouteFinder = (method: string, url: string) => RouteInfo | undefined;

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

/** Whether requests arrive on it that only http's own channel names: not those of a server whose plugin names them. */
export function needsRequestChannel(server: Server): boolean {
  return isHttp1(server) && !selfNaming().has(server);
}

/** Says that a plugin names each request of this server. */
export function noteSelfNaming(server: Server): void {
  selfNaming().add(server);
}

const selfNaming = shared('self-naming', () => new WeakSet<Server>());

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
 * raw socket, with a 'secureConnection' listener: that event has no default behaviour that a listener would change.
 */
export class SeenServers {
  readonly #known = new WeakSet<Server>();
  #servers: WeakRef<Server>[] = [];

  /** Called for each accepted connection: one look-up for a server that is known. Returns whether it is a new one. */
  notice(server: Server | undefined): server is Server {
    if (server === undefined || this.#known.has(server)) return false;
    this.#known.add(server);
    this.#servers = this.#servers.filter((ref) => ref.deref() !== undefined);
    this.#servers.push(new WeakRef(server));
    if (server instanceof TlsServer) server.on('secureConnection', onSecureConnection);
    if (isHttp1(server)) followUpgrades(server);
    return true;
  }

  listening(): Server[] {
    return this.#servers.flatMap((ref) => ref.deref() ?? []).filter((server) => fact(() => server.listening, false));
  }

  close(): void {
    for (const ref of this.#servers) {
      const server = ref.deref();
      server?.removeListener('secureConnection', onSecureConnection);
      if (server) unfollowUpgrades(server);
    }
    this.#servers = [];
  }
}

function onSecureConnection(socket: TLSSocket): void {
  const raw = rawSocketOf(socket);
  if (raw) noteTls(raw, socket);
}

/** The TCP address of a server, as a list; empty when it is closed. */
export function addressesOf(server: Server): AddressInfo[] {
  const address = tcpAddressOf(server);
  return address ? [address] : [];
}
