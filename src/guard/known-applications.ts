import type { AddressInfo, Server } from 'node:net';
import { fact } from '../base/fact.js';
import { shared } from '../base/shared-state.js';
import { noteRoutesKnown, tcpAddressOf, type RouteFinder } from '../sockets/servers.js';

interface KnownApplication {
  /** Every address it listens on, those of its secondary servers too. */
  readonly addresses: () => readonly AddressInfo[];
  readonly findRoute: RouteFinder;
}

/**
 * Applications whose routes can be looked up, although no guard was asked to watch them. Held by their servers alone: one that is
 * made and never listens is collected.
 */
const known = shared('known-applications', () => ({
  byServer: new WeakMap<Server, KnownApplication>(),
  servers: [] as WeakRef<Server>[],
}));

export function noteApplication(server: Server, application: KnownApplication): void {
  const { byServer, servers } = known();
  if (!byServer.has(server)) {
    known().servers = [...servers.filter((ref) => ref.deref() !== undefined), new WeakRef(server)];
  }
  byServer.set(server, application);
  noteRoutesKnown(server);
}

/** How the routes of a server are found: its own application's, or that of which it is a secondary server. */
export function findRouteInApplication(server: Server): RouteFinder | undefined {
  const { byServer, servers } = known();
  const own = byServer.get(server);
  if (own) return own.findRoute;
  const at = servers.length > 0 ? tcpAddressOf(server) : undefined;
  if (!at) return undefined;
  for (const ref of servers) {
    const main = ref.deref();
    const application = main && byServer.get(main);
    const addresses = application ? fact(() => application.addresses(), []) : [];
    if (addresses.some(({ port, address }) => port === at.port && address === at.address))
      return application?.findRoute;
  }
  return undefined;
}
