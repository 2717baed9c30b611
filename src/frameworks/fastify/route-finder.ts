import { RouterCopy, routerPartsOf, type RouterMatch, type RouterParts } from './router-copy.js';
import { routesOfMethod, type FoundRoute, type RoutePrinter } from './routes.js';

/** What is asked of a Fastify instance here. */
export interface RoutedApplication extends RoutePrinter {
  /** Takes `{ method, url, constraints }`; its declared type differs from one Fastify to the next. */
  readonly findRoute?: unknown;
}

/** What a request's route is found by: an http.IncomingMessage, or what was noted of one. */
export interface RoutedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Left out: of routes that a header tells apart none is named. */
  readonly headers?: object | undefined;
  /** What middleware and Fastify keep of a url that they have replaced. */
  readonly originalUrl?: unknown;
}

/**
 * `known: false`: it may have gone to any of the `candidates`, or to none. `known: true` without a route: the router has
 * none for it, and answered 404, 400 or 414 itself.
 */
export type RouteAnswer =
  | { readonly known: true; readonly route: FoundRoute | undefined }
  | { readonly known: false; readonly candidates: readonly FoundRoute[] };

interface MethodTable {
  readonly routes: readonly FoundRoute[];
  readonly handlers: ReadonlySet<unknown>;
  /** Undefined where none can be made. */
  readonly copy: RouterCopy | undefined;
}

/**
 * Tells which route a request went to, when that is asked long after: nothing has to be noted of requests. A look-up costs
 * what two look-ups of the application's router cost, whatever the client sent: one in the router itself, which tells
 * whether there is a route and what its parameters are, and one in a copy that tells which. Where they disagree nothing is
 * known. The copy of a method's routes is made when the first request of that method is looked up.
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
  find(request: RoutedRequest): RouteAnswer {
    const { method } = request;
    if (typeof method !== 'string' || !METHOD.test(method)) return { known: false, candidates: [] };
    const { routes, handlers, copy } = this.#tables.get(method) ?? this.#makeTable(method);
    const unknown: RouteAnswer = { known: false, candidates: routes };
    const path = this.#routedPathOf(request);
    if (!copy || path === undefined) return unknown;
    const constraints = copy.constraintsOf(request.headers);
    const found = copy.find(path, constraints);
    if (found === undefined) return unknown;
    const { findRoute } = this.#fastify;
    if (typeof findRoute !== 'function') return unknown;
    const match = Reflect.apply(findRoute, this.#fastify, [{ method, url: path, constraints }]) as RouterMatch | null;
    // What is no valid encoding, or has too long a parameter, leads to functions of Fastify's that answer at once.
    const matched = match !== null && handlers.has(match.handler);
    if (!found) return matched ? unknown : { known: true, route: undefined };
    return matched && sameParameters(found.params, match.params) ? { known: true, route: found.route } : unknown;
  }

  #makeTable(method: string): MethodTable {
    const { routes, handlers } = routesOfMethod(this.#fastify, method);
    // There already if the copy cannot be made: it is not tried again for each look-up.
    this.#tables.set(method, { routes, handlers, copy: undefined });
    const table = { routes, handlers, copy: this.#parts && new RouterCopy(this.#parts, method, routes) };
    this.#tables.set(method, table);
    return table;
  }

  /** What the router was asked for, without its query, which the application's own parser would be called for. */
  #routedPathOf({ url, originalUrl }: RoutedRequest): string | undefined {
    const before = typeof originalUrl === 'string' ? originalUrl : undefined;
    // Fastify keeps what the client sent when it rewrites it. Middleware does so too, and takes its own prefix off the url.
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
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
