import { isObject } from '../../base/objects.js';
import { underInheritedSymbol } from '../../layers/symbols.js';
import { CONSTRAINT_HEADERS, type FoundRoute } from './routes.js';

/** What find-my-way's `find()` returns for a path; it returns null where no route takes the path. */
export interface RouterMatch {
  readonly handler?: unknown;
  readonly params?: unknown;
  readonly store?: unknown;
}

/** find-my-way's router, as far as it is used here. */
interface Router {
  on(method: string, path: string, options: object, handler: () => void, store: unknown): void;
  find(method: string, path: string, constraints: object): RouterMatch | null;
}

type RouterClass = new (options: object) => Router;

/** What a copy of an application's router is built from. */
export interface RouterParts {
  readonly Router: RouterClass;
  /** What the application's own router was created with. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Fastify's `rewriteUrl` is set: the url that is routed is not the one that the client sent. */
  readonly rewrites: boolean;
  /** Whether a route, of whatever method, uses this constraint of the router's own: only then does the router derive it. */
  readonly isDerived: (constraint: string) => boolean;
}

/** A constraint that find-my-way has a strategy of its own for. */
type BuiltIn = keyof typeof CONSTRAINT_HEADERS;

/** Fastify's options before 5.5, where the router's were not yet in an object of their own. */
const ROUTER_OPTIONS = [
  'caseSensitive',
  'constraints',
  'ignoreDuplicateSlashes',
  'ignoreTrailingSlash',
  'maxParamLength',
  'useSemicolonDelimiter',
];

/**
 * The class of the router that this very Fastify uses, from a bundle or node_modules, and its options. Fastify exports neither.
 * Both are under symbols that are known by their descriptions; the router of its 404 handlers is of the same class. Undefined
 * for a Fastify that keeps them elsewhere.
 */
export function routerPartsOf(fastify: object): RouterParts | undefined {
  const Router = property(property(underInheritedSymbol(fastify, 'fastify.404'), 'router'), 'constructor');
  const given = underInheritedSymbol(fastify, 'fastify.options');
  if (!isRouterClass(Router) || !isObject(given)) return undefined;
  const older = ROUTER_OPTIONS.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]]));
  const options = {
    ...(Object.fromEntries(older) as object),
    ...(isObject(given.routerOptions) && given.routerOptions),
  };
  const has = property(fastify, 'hasConstraintStrategy');
  return {
    Router,
    options,
    rewrites: typeof given.rewriteUrl === 'function',
    isDerived: (name) => typeof has === 'function' && Reflect.apply(has, fastify, [name]) === true,
  };
}

/**
 * A copy of an application's router for one of its methods, in which the value stored for each route is the route itself. The
 * application's own router returns the parameters of a path, and not which route matched.
 */
export class RouterCopy {
  readonly #router: Router;
  readonly #method: string;
  readonly #builtIn: readonly BuiltIn[];
  readonly #custom: readonly string[];
  /** How many look-ups needed a value that is not known. */
  #unknowns = 0;

  constructor({ Router, options, isDerived }: RouterParts, method: string, routes: readonly FoundRoute[]) {
    const { constraints, ...rest } = options;
    const given = isObject(constraints) ? Object.values(constraints).map((strategy) => property(strategy, 'name')) : [];
    const replaced = new Set(given.filter((name) => typeof name === 'string'));
    const used = new Set(routes.flatMap((route) => Object.keys(route.constraints)));
    this.#method = method;
    this.#builtIn = (['host', 'version'] as const).filter((name) => isDerived(name) && !replaced.has(name));
    this.#custom = [...new Set([...replaced, ...used])].filter((name) => !isBuiltIn(name) || replaced.has(name));
    this.#router = new Router({
      ...rest,
      // The application's router has accepted these patterns already.
      allowUnsafeRegex: true,
      // No function of the application is called.
      defaultRoute: undefined,
      onBadUrl: undefined,
      onMaxParamLength: undefined,
      buildPrettyMeta: undefined,
      querystringParser: () => undefined,
      constraints: Object.fromEntries(this.#custom.map((name) => [name, this.#unknowable(name)])),
    });
    for (const route of routes) this.#router.on(method, route.url, { constraints: route.constraints }, noop, route);
  }

  /** What the application's router derives from a request's headers; for a custom strategy a stand-in. */
  constraintsOf(headers: unknown): Record<string, unknown> {
    const note = (): void => {
      this.#unknowns++;
    };
    const derived: Record<string, unknown> = {};
    for (const name of this.#custom) derived[name] = STAND_IN;
    for (const name of this.#builtIn) {
      if (isObject(headers))
        derived[name] = headers[CONSTRAINT_HEADERS[name]] ?? (name === 'host' ? headers[':authority'] : undefined);
      else Object.defineProperty(derived, name, { get: note, enumerable: true });
    }
    return derived;
  }

  /** The route that takes a path; null where none does, undefined where that depends on what is not known. */
  find(path: string, constraints: object): { readonly route: FoundRoute; readonly params: unknown } | null | undefined {
    const unknownsBefore = this.#unknowns;
    const match = this.#router.find(this.#method, path, constraints);
    if (this.#unknowns !== unknownsBefore) return undefined;
    return match && { route: match.store as FoundRoute, params: match.params };
  }

  /**
   * Replaces an application's own strategy, whose code is not run: the value it derives may come from anywhere, and may have
   * changed since the request. Notes that the value was needed.
   */
  #unknowable(name: string): object {
    const get = (): undefined => {
      this.#unknowns++;
    };
    return { name, storage: () => ({ get, set: noop }), deriveConstraint: noop };
  }
}

/** A value that no route has: with it the router finds only routes without that constraint. */
const STAND_IN = 'close-wait-guard: not known';

function noop(): void {
  return;
}

function isBuiltIn(name: string): name is BuiltIn {
  return Object.hasOwn(CONSTRAINT_HEADERS, name);
}

function isRouterClass(value: unknown): value is RouterClass {
  const prototype = typeof value === 'function' ? (value.prototype as unknown) : undefined;
  return typeof property(prototype, 'find') === 'function' && typeof property(prototype, 'on') === 'function';
}

function property(object: unknown, name: string): unknown {
  return isObject(object) ? object[name] : undefined;
}
