import type { FastifyInstance } from 'fastify';
import { badOption, inspectValue } from '../../base/errors.js';
import { isRecord } from '../../base/objects.js';
import { boolean, integerIn, readOptions, type OptionRule } from '../../base/options.js';
import { GUARD_OPTIONS } from '../../guard/options.js';
import { warnSetting } from '../../guard/warnings.js';
import type { RouteFinder } from '../../sockets/servers.js';
import { Registrations } from './registrations.js';
import { FastifyRouteFinder } from './route-finder.js';
import type { AuditRoute } from './routes.js';

const OWN_TIME_OUT: OptionRule<number | undefined> = { ...GUARD_OPTIONS.closeWaitTimeout, default: undefined };
/** What a route's `config.closeWaitGuard` takes. */
const ROUTE_CONFIG = Object.freeze({
  reclaim: boolean(true),
  closeWaitTimeout: OWN_TIME_OUT,
});

interface Configured {
  readonly config?: unknown;
}

function configOf({ config }: Configured): unknown {
  return (config as { readonly closeWaitGuard?: unknown } | undefined)?.closeWaitGuard;
}

/**
 * Called when a route is declared. Returns its own time-out, ms.
 * @throws GuardError CWG_ERR_OPTION naming the route, the value it got and the values it takes
 */
export function checkRouteConfig(
  route: Configured & { readonly method?: unknown; readonly url?: unknown },
): number | undefined {
  const given = configOf(route);
  if (given === undefined) return undefined;
  const name = `config.closeWaitGuard of ${String(route.method)} ${String(route.url)}`;
  if (!isRecord(given)) throw badOption(name, given, `an object { ${Object.keys(ROUTE_CONFIG).join(', ')} }`);
  return readOptions(ROUTE_CONFIG, given, `${name}: `).closeWaitTimeout;
}

/** Of a route that nobody could check when it was declared; what cannot be taken is said once. */
export function timeOutOf(route: Configured): number | undefined {
  const { closeWaitTimeout: given } = (configOf(route) ?? {}) as { readonly closeWaitTimeout?: unknown };
  const { range, takes } = GUARD_OPTIONS.closeWaitTimeout;
  if (given === undefined || integerIn(given, range)) return given;
  const name = 'config.closeWaitGuard.closeWaitTimeout';
  warnSetting(name, `${name} of a route is ${inspectValue(given)}; it takes ${takes}; that of the guard is used`);
  return undefined;
}

/**
 * Finds the route of a request when a leak is described: leaks are rare and requests are not, so nothing is noted of requests.
 * The routes are those of the whole application, whose contexts share one router; none is added once it is ready.
 */
export function routeFinderOf(fastify: FastifyInstance): RouteFinder {
  let finder: FastifyRouteFinder | undefined;
  // An application that listens on a server of its own may have had requests, and so a finder, before all routes were declared.
  fastify.addHook('onReady', (done) => {
    finder = undefined;
    done();
  });
  const registrations = new Registrations();
  fastify.addHook('onRoute', registrations.note);
  const framework = 'fastify';
  return (request) => {
    finder ??= new FastifyRouteFinder(fastify);
    const found = finder.find(request);
    if (!found.known) {
      const { candidates } = found;
      const own = candidates.flatMap((candidate) => timeOutOf(candidate) ?? []);
      const closeWaitTimeout = own.length > 0 ? Math.max(...own) : undefined;
      const reclaim = candidates.every(mayBeReclaimed);
      return { framework, route: undefined, matched: undefined, reclaim, closeWaitTimeout };
    }
    const { route } = found;
    if (!route) return { framework, route: undefined, matched: false, reclaim: true };
    const url = declaredUrlOf(route);
    return {
      framework,
      route: url,
      registeredAt: registrations.of(route.method, url, route.constraints),
      matched: true,
      reclaim: mayBeReclaimed(route),
      closeWaitTimeout: timeOutOf(route),
    };
  };
}

/** Unless the route's `config` says otherwise. */
export function mayBeReclaimed(route: Configured): boolean {
  return (configOf(route) as { readonly reclaim?: boolean } | undefined)?.reclaim ?? true;
}

/** As it is in the application's source, and in `request.routeOptions.url`: of `/a/:b?` the router makes two routes. */
function declaredUrlOf({ config, url }: AuditRoute): string {
  return typeof config.url === 'string' ? config.url : url;
}
