import type { Server } from 'node:net';
import { shared } from '../base/shared-state.js';
import type { RouteFinder } from '../sockets/servers.js';

/** A guard, as far as the question matters which guard reports a socket. */
export interface Claimant {
  /** It watches this server. */
  watches(server: Server): boolean;
  /** How it names the requests of this server, when a plugin gave it the means. */
  routeFinderOf(server: Server): RouteFinder | undefined;
  /** It also answers for sockets of no watched server (`scope: 'process'`). */
  readonly takesTheRest: boolean;
}

const guards = shared('guards', () => ({
  /** Open guards of this thread, oldest first. */
  open: [] as Claimant[],
  /** Who has reported which leak: it stays with that guard even when another one starts to watch the server. */
  reporters: new Map<bigint, Claimant>(),
}));

export function openClaims(claimant: Claimant): void {
  guards().open.push(claimant);
}

export function closeClaims(claimant: Claimant): void {
  const { open, reporters } = guards();
  const index = open.indexOf(claimant);
  if (index !== -1) open.splice(index, 1);
  for (const [id, reporter] of reporters) if (reporter === claimant) reporters.delete(id);
}

/**
 * Each socket is reported by one guard: the one that reported it already, else the one that watches its server, else the
 * oldest guard of scope 'process'. So two Fastify instances, or the preload beside the plugin, never count a leak twice.
 * This is the first of these; {@link answersFor} has the others.
 */
export function reporterOf(id: bigint): Claimant | undefined {
  return guards().reporters.get(id);
}

/** The guard that answers for connections of `server` (undefined: for sockets of no known server). */
export function answersFor(server: Server | undefined): Claimant | undefined {
  const { open } = guards();
  const watcher = server && open.find((claimant) => claimant.watches(server));
  return watcher ?? open.find(({ takesTheRest }) => takesTheRest);
}

/** Who reports a socket need not be who knows the routes: an outbound leak was asked for by a request to any server. */
export function routeFinderOf(server: Server): RouteFinder | undefined {
  for (const claimant of guards().open) {
    const finder = claimant.routeFinderOf(server);
    if (finder) return finder;
  }
  return undefined;
}

export function noteReported(id: bigint, claimant: Claimant): void {
  guards().reporters.set(id, claimant);
}

export function noteGone(id: bigint, claimant: Claimant): void {
  const { reporters } = guards();
  if (reporters.get(id) === claimant) reporters.delete(id);
}
