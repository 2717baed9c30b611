import { isObject } from '../../base/objects.js';
import type { RoutedRequest } from '../../sockets/servers.js';
import { RouterCopy, routerPartsOf, type RouterMatch, type RouterParts } from './router-copy.js';
import { routesOfMethod, type FoundRoute, type RoutePrinter } from './routes.js';

/** What this library calls on a Fastify instance to find a route. */
export interface RoutedApplication extends RoutePrinter {
  /** Takes `{ method, url, constraints }`; its declared type differs from one Fastify to the next. */
  readonly findRoute?: unknown;
}

/**
 * `known: false`: the request may have gone to any of the `candidates`, or to none. `known: true` without a route: the router
 * has none for it, and Fastify has responded with 404, 400 or 414.
 */
export type RouteLookup =
  | { readonly known: true; readonly route: FoundRoute | undefined }
  | { readonly known: false; readonly candidates: readonly FoundRoute[] };

interface MethodTable {
  readonly routes: readonly FoundRoute[];
  readonly handlers: ReadonlySet<unknown>;
  /** Undefined where none can be made. */
  readonly copy: RouterCopy | undefined;
}

/**
 * Finds the route that a request went to, long after the request: nothing has to be noted of requests. A look-up costs as much
 * as two look-ups of the application's router, whatever the client sent: one in the router itself, which returns whether there
 * is a route and its parameters, and one in a copy, which returns the route. Where they disagree the route is not known. The
 * copy of a method's routes is made when the first request of that method is looked up.
 */
export class FastifyRouteFinder {
  readonly #fastify: RoutedApplication;
  readonly #parts: RouterParts | undefined;
  readonly #tables = new Map<string, MethodTable>();

  constructor(fastify: RoutedApplication) {
    this.#fastify = fastify;
    this.#parts = routerPartsOf(fastify);
  }

  /**
   * Once all routes are declared.
   * @throws what the application's `querystringParser` throws
   */
  find(request: RoutedRequest): RouteLookup {
    const { method } = request;
    if (typeof method !== 'string' || !METHOD.test(method)) return { known: false, candidates: [] };
    const { routes, handlers, copy } = this.#tables.get(method) ?? this.#makeTable(method);
    const unknown: RouteLookup = { known: false, candidates: routes };
    const path = this.#routedPathOf(request);
    if (!copy || path === undefined) return unknown;
    const constraints = copy.constraintsOf(request.headers);
    const found = copy.find(path, constraints);
    if (found === undefined) return unknown;
    const { findRoute } = this.#fastify;
    if (typeof findRoute !== 'function') return unknown;
    const match = Reflect.apply(findRoute, this.#fastify, [{ method, url: path, constraints }]) as RouterMatch | null;
    // For an invalid encoding, or a parameter that is too long, the router returns handlers of Fastify's own.
    const matched = match !== null && handlers.has(match.handler);
    if (!found) return matched ? unknown : { known: true, route: undefined };
    return matched && sameParameters(found.params, match.params) ? { known: true, route: found.route } : unknown;
  }

  #makeTable(method: string): MethodTable {
    const { routes, handlers } = routesOfMethod(this.#fastify, method);
    // If the copy cannot be made this one stays, so that it is not tried again for each look-up.
    this.#tables.set(method, { routes, handlers, copy: undefined });
    const table = { routes, handlers, copy: this.#parts && new RouterCopy(this.#parts, method, routes) };
    this.#tables.set(method, table);
    return table;
  }

  /** The url that was routed, without its query: the router would call the application's own parser for it. */
  #routedPathOf({ url, originalUrl }: RoutedRequest): string | undefined {
    const before = typeof originalUrl === 'string' ? originalUrl : undefined;
    // Fastify keeps the original url when it rewrites it. Middleware does so too, when it takes its own prefix off the url.
    const routed = this.#parts?.rewrites ? (before === undefined ? undefined : url) : (before ?? url);
    if (typeof routed !== 'string') return undefined;
    const end = routed.startsWith('/') ? routed.indexOf('?') : -1;
    return end === -1 ? routed : routed.slice(0, end);
  }
}

const METHOD = /^[A-Z-]{1,32}$/;

function sameParameters(one: unknown, other: unknown): boolean {
  const [ours, theirs] = [entriesOf(one), entriesOf(other)];
  return (
    ours.length === theirs.length && ours.every(([name, value], i) => theirs[i]![0] === name && theirs[i]![1] === value)
  );
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}
