import type { FoundRoute } from './routes.js';

/** What find-my-way's `find()` says of a path; null where no route takes it. */
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
  /** Those that the application's own router was given. */
  readonly options: Readonly<Record<string, unknown>>;
  /** `rewriteUrl`: what the router is asked for is not what the client sent. */
  readonly rewrites: boolean;
  /** Whether any route, of whatever method, uses a constraint of the router's own: only then is it derived. */
  readonly isDerived: (constraint: string) => boolean;
}

/** find-my-way's own strategies, and the header whose value is compared. */
const BUILT_IN = { host: 'host', version: 'accept-version' } as const;
type BuiltIn = keyof typeof BUILT_IN;

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
 * The class of router that this very Fastify uses, from a bundle or node_modules, and the options it was given. Fastify
 * shows neither; both are under symbols that are known by their descriptions: the router of its 404 handlers is of the
 * same class. Undefined where a Fastify has them elsewhere.
 */
export function routerPartsOf(fastify: object): RouterParts | undefined {
  const Router = property(property(symbolProperty(fastify, 'fastify.404'), 'router'), 'constructor');
  const given = symbolProperty(fastify, 'fastify.options');
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
 * A copy of an application's router for one of its methods, in which each route leads to itself. It is asked in place of
 * the application's own, which tells what parameters a path has and not which route they are of.
 */
export class RouterCopy {
  readonly #router: Router;
  readonly #method: string;
  readonly #builtIn: readonly BuiltIn[];
  readonly #custom: readonly string[];
  /** How often a look-up came to what is not known. */
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
      // What the application's router took is taken here too.
      allowUnsafeRegex: true,
      // None of the application's functions is called.
      defaultRoute: undefined,
      onBadUrl: undefined,
      onMaxParamLength: undefined,
      buildPrettyMeta: undefined,
      querystringParser: () => undefined,
      constraints: Object.fromEntries(this.#custom.map((name) => [name, this.#unknowable(name)])),
    });
    for (const route of routes) this.#router.on(method, route.url, { constraints: route.constraints }, noop, route);
  }

  /** What the application's router derives from a request's headers; a custom strategy's value is a stand-in. */
  constraintsOf(headers: unknown): Record<string, unknown> {
    const note = (): void => {
      this.#unknowns++;
    };
    const derived: Record<string, unknown> = {};
    for (const name of this.#custom) derived[name] = STAND_IN;
    for (const name of this.#builtIn) {
      if (isObject(headers))
        derived[name] = headers[BUILT_IN[name]] ?? (name === 'host' ? headers[':authority'] : undefined);
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
   * In place of an application's own strategy, whose code is not run: what it derives may come from anywhere, and may be
   * another thing by now. It notes that it was asked.
   */
  #unknowable(name: string): object {
    const get = (): undefined => {
      this.#unknowns++;
    };
    return { name, storage: () => ({ get, set: noop }), deriveConstraint: noop };
  }
}

/** No route is constrained to it: where it is passed, only routes without that constraint are left. */
const STAND_IN = 'close-wait-guard: not known';

function noop(): void {
  return;
}

function isBuiltIn(name: string): name is BuiltIn {
  return Object.hasOwn(BUILT_IN, name);
}

function isRouterClass(value: unknown): value is RouterClass {
  const prototype = typeof value === 'function' ? (value.prototype as unknown) : undefined;
  return typeof property(prototype, 'find') === 'function' && typeof property(prototype, 'on') === 'function';
}

/** The value under the symbol of that description, the object's own or inherited: a plugin's context inherits its parent's. */
function symbolProperty(object: object, description: string): unknown {
  for (let owner: unknown = object; isObject(owner); owner = Object.getPrototypeOf(owner)) {
    const symbol = Object.getOwnPropertySymbols(owner).find((one) => one.description === description);
    if (symbol) return Reflect.get(object, symbol);
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function property(object: unknown, name: string): unknown {
  return isObject(object) ? object[name] : undefined;
}
