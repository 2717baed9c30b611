import type { Server } from 'node:net';
import { shared } from '../base/shared-state.js';
import type { RouteFinder } from '../sockets/servers.js';
import { findRouteInApplication } from './known-applications.js';

/** A guard, as far as the question matters which guard reports a socket. */
export interface Reporter {
  /** It watches this server. */
  watches(server: Server): boolean;
  /** How it names the requests of this server, when a plugin gave it the means. */
  routeFinderOf(server: Server): RouteFinder | undefined;
  /** It also answers for sockets of no watched server (`scope: 'process'`). */
  readonly wholeProcess: boolean;
  /** The socket is a leak in its ledger. */
  hasCounted(cookie: bigint): boolean;
}

/** Open guards of this thread, oldest first. */
const guards = shared('guards', () => ({ open: [] as Reporter[] }));

export function openReporter(reporter: Reporter): void {
  guards().open.push(reporter);
}

export function closeReporter(reporter: Reporter): void {
  const { open } = guards();
  const index = open.indexOf(reporter);
  if (index !== -1) open.splice(index, 1);
}

/**
 * Each socket is reported by one guard: the one that has counted it already, also when another one starts to watch its server;
 * else the one that watches its server, else the oldest guard of scope 'process'. So two Fastify instances, or the preload
 * beside the plugin, never count a leak twice. This is the first of these; {@link answersFor} has the others.
 */
export function reporterOf(cookie: bigint): Reporter | undefined {
  return guards().open.find((reporter) => reporter.hasCounted(cookie));
}

/** The guard that answers for connections of `server` (undefined: for sockets of no known server). */
export function answersFor(server: Server | undefined): Reporter | undefined {
  const { open } = guards();
  const watcher = server && open.find((reporter) => reporter.watches(server));
  return watcher ?? open.find(({ wholeProcess }) => wholeProcess);
}

/** Who reports a socket need not be who knows the routes: an outbound leak was asked for by a request to any server. */
export function routeFinderOf(server: Server): RouteFinder | undefined {
  for (const reporter of guards().open) {
    const finder = reporter.routeFinderOf(server);
    if (finder) return finder;
  }
  return findRouteInApplication(server);
}
