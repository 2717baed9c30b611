import type { FastifyInstance } from 'fastify';
import type { RouteFinder } from '../../sockets/servers.js';
import { Registrations } from './registrations.js';
import { FastifyRouteFinder } from './route-finder.js';
import type { AuditRoute } from './routes.js';

/** What a route's `config` may say to this library. */
export interface RouteConfig {
  readonly closeWaitGuard?: { readonly reclaim?: boolean };
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
    if (!found.known)
      return { framework, route: undefined, matched: undefined, reclaim: found.candidates.every(mayBeReclaimed) };
    const { route } = found;
    if (!route) return { framework, route: undefined, matched: false, reclaim: true };
    const url = declaredUrlOf(route);
    const registeredAt = registrations.of(route.method, url, route.constraints);
    return { framework, route: url, registeredAt, matched: true, reclaim: mayBeReclaimed(route) };
  };
}

/** Unless the route's `config` says otherwise. */
export function mayBeReclaimed({ config }: { readonly config?: unknown }): boolean {
  return (config as RouteConfig | undefined)?.closeWaitGuard?.reclaim ?? true;
}

/** As it is in the application's source, and in `request.routeOptions.url`: of `/a/:b?` the router makes two routes. */
function declaredUrlOf({ config, url }: AuditRoute): string {
  return typeof config.url === 'string' ? config.url : url;
}
