import type { Server } from 'node:net';
import { badArgument } from '../base/errors.js';
import { fact } from '../base/fact.js';
import { isRecord } from '../base/objects.js';
import { integerIn } from '../base/options.js';
import { routePattern, ROUTE_PATTERN_TAKES, type Routed } from '../base/wildcard.js';
import { leastNotedTimeOut } from '../layers/notes.js';
import { inboundRequestOf, streamFactsOf } from '../layers/stack.js';
import type { TimeOuts } from '../leaks/tracker.js';
import type { ServerTimeOuts, WatchedServers } from '../sockets/servers.js';
import { findRouteInApplication } from './known-applications.js';
import { pathOf, routeInfoOf, type Names } from './leak-facts.js';
import type { LedgerEntry } from './ledger.js';
import { GUARD_OPTIONS } from './options.js';

/** The same everywhere. */
const { range, takes: TAKES } = GUARD_OPTIONS.closeWaitTimeout;

/**
 * How long each socket of a guard may stand still: as its route says, else its server, else the guard. Where no route and no
 * server says anything, nothing is looked up; else only of sockets that have been idle for the shortest time-out there is.
 */
export class SocketTimeOuts implements TimeOuts<LedgerEntry> {
  readonly #guardMs: number;
  readonly #servers: WatchedServers;
  readonly #names: Names;

  constructor(guardMs: number, servers: WatchedServers, names: Names) {
    this.#guardMs = guardMs;
    this.#servers = servers;
    this.#names = names;
  }

  get leastMs(): number {
    return Math.min(this.#guardMs, this.#servers.leastTimeOutMs, leastNotedTimeOut());
  }

  of({ suspect }: LedgerEntry): number {
    const { server, socket, side } = suspect;
    if (side !== 'inbound') return this.#guardMs;
    const noted = socket && fact(() => inboundRequestOf(socket)?.closeWaitTimeout, undefined);
    if (noted !== undefined) return noted;
    const timeOuts = server && (this.#servers.find(server)?.timeOuts ?? timeOutsOfApplication(server));
    if (!timeOuts) return this.#guardMs;
    if (!timeOuts.ofRoutes) return timeOuts.of({ method: undefined, route: undefined }) ?? this.#guardMs;
    const http = socket && fact(() => streamFactsOf(socket, side).http, undefined);
    const info = routeInfoOf(suspect, http, this.#names);
    const route = http?.route ?? info?.route ?? (http?.url && pathOf(http.url));
    const ofServer = timeOuts.of({ method: http?.method, route }) ?? this.#guardMs;
    if (info?.closeWaitTimeout === undefined) return ofServer;
    // It may be another route's: none is to be called a leak too early.
    return info.matched === undefined ? Math.max(info.closeWaitTimeout, ofServer) : info.closeWaitTimeout;
  }
}

/** An application that no guard watches may have routes with time-outs of their own. */
function timeOutsOfApplication(server: Server): ServerTimeOuts | undefined {
  return Number.isFinite(leastNotedTimeOut()) && findRouteInApplication(server) ? OF_ROUTES : undefined;
}

const OF_ROUTES: ServerTimeOuts = { leastMs: () => Number.POSITIVE_INFINITY, ofRoutes: true, of: () => undefined };

/**
 * The option `closeWaitTimeout` of watch(): one number, or one for each pattern of a route.
 * @throws GuardError CWG_ERR_ARGUMENT naming the pattern, the value it got and the values it takes
 */
export function readServerTimeOuts(given: unknown): ServerTimeOuts | undefined {
  if (given === undefined) return undefined;
  const name = 'the closeWaitTimeout given to watch()';
  if (!isRecord(given)) {
    const ms = checked(given, name, `${TAKES}, or an object with one for each route`);
    return { leastMs: () => ms, ofRoutes: false, of: () => ms };
  }
  const routes = Object.entries(given).map(([pattern, value]) => {
    const fits = routePattern(pattern);
    if (!fits) throw badArgument(`a route in ${name}`, pattern, ROUTE_PATTERN_TAKES);
    return { fits, ms: checked(value, `${name} for ${pattern}`, TAKES) };
  });
  const least = Math.min(...routes.map(({ ms }) => ms));
  return {
    leastMs: () => least,
    ofRoutes: true,
    of: (request: Routed) => routes.find(({ fits }) => fits(request))?.ms,
  };
}

function checked(value: unknown, name: string, takes: string): number {
  if (integerIn(value, range)) return value;
  throw badArgument(name, value, takes);
}
