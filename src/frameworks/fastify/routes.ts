import { isRecord } from '../../base/objects.js';

/** What this library calls on a Fastify instance to list its routes. */
export interface RoutePrinter {
  printRoutes(options?: object): string;
  getSchemas(): Record<string, unknown>;
}

/** What a route says of its requests. Parts that are no JSON Schema are kept as they are. */
export interface RouteSchemas {
  readonly params?: unknown;
  readonly querystring?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** A registered route and one of its methods. */
export interface AuditRoute {
  readonly method: string;
  /** The pattern, as in `/items/:id`. */
  readonly url: string;
  readonly schema: RouteSchemas | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  /** As in `{ host: 'example.com', version: '1.2.0' }`. */
  readonly constraints: Readonly<Record<string, unknown>>;
}

/** A route with what only this library needs to know. */
export interface FoundRoute extends AuditRoute {
  /** Fastify made it from another one: HEAD from GET, `/prefix/` from `/prefix`. */
  readonly derived: 'head' | 'slash' | undefined;
  /** Whether a body of this type gets to the handler; undefined where that cannot be told. */
  readonly accepts: (contentType: string) => boolean | undefined;
  /** Shared schemas (`addSchema`) that its own may refer to. */
  readonly sharedSchemas: () => Readonly<Record<string, unknown>>;
}

/** find-my-way's route, as far as it is read here; `store` is Fastify's Context. */
interface RouterRoute {
  readonly method?: unknown;
  readonly path?: unknown;
  readonly opts?: { readonly constraints?: unknown };
  readonly handler?: unknown;
  readonly store?: {
    readonly schema?: unknown;
    readonly config?: unknown;
    readonly contentTypeParser?: { readonly getParser?: unknown };
    readonly server?: { readonly getSchemas?: unknown };
  } | null;
}

/**
 * All routes of an application that is ready. Fastify has no call for that: an onRoute hook comes too late for an application
 * that is built already, and findRoute() returns no schema. But printRoutes() makes the router call `buildPrettyMeta` for each
 * route. That is not documented: where it yields nothing, the printed text is parsed, which has methods and patterns but no
 * schemas.
 */
export function routesOf(fastify: RoutePrinter): FoundRoute[] {
  const { routes, printed } = print(fastify, {});
  const found = routes.flatMap((route) => fromRouter(route, fastify));
  return withDerivedHeads(found.length > 0 ? found : fromText(printed, fastify));
}

/** The routes of one method, and the function that the router calls for each of them: in Fastify the same for all. */
export function routesOfMethod(
  fastify: RoutePrinter,
  method: string,
): { readonly routes: readonly FoundRoute[]; readonly handlers: ReadonlySet<unknown> } {
  // Without a method the router builds all its trees anew before it prints them, which takes eight times as long.
  const { routes, printed } = print(fastify, { method });
  const found = routes.flatMap((route) => fromRouter(route, fastify));
  return {
    routes: found.length > 0 ? found : fromText(printed, fastify),
    handlers: new Set(routes.map(({ handler }) => handler)),
  };
}

/** Prints the routes, and keeps what the router passes to `buildPrettyMeta` for each of them. */
function print(
  fastify: RoutePrinter,
  what: { readonly method?: string },
): { readonly routes: readonly RouterRoute[]; readonly printed: string } {
  const routes: RouterRoute[] = [];
  const collect = (route: RouterRoute): object => {
    // A copy: similar routes are merged into the first of them afterwards.
    routes.push({ ...route });
    return {};
  };
  const options = {
    ...what,
    includeMeta: true,
    get buildPrettyMeta() {
      return collect;
    },
    // The router assigns its own function, which is dropped.
    set buildPrettyMeta(_theirs) {
      return;
    },
  };
  const printed = fastify.printRoutes(options);
  return { routes, printed };
}

function fromRouter({ method, path, opts, store }: RouterRoute, fastify: RoutePrinter): FoundRoute[] {
  if (typeof method !== 'string' || typeof path !== 'string') return [];
  const { schema, config, contentTypeParser: parsers, server } = store ?? {};
  const declared = recordOf(config).url;
  const getParser = parsers?.getParser;
  const getSchemas = server?.getSchemas;
  return [
    {
      method,
      url: path,
      schema: isRecord(schema) ? schemasOf(schema) : undefined,
      config: recordOf(config),
      constraints: recordOf(opts?.constraints),
      derived: path.endsWith('/') && declared === path.slice(0, -1) ? 'slash' : undefined,
      accepts: (type) =>
        typeof getParser === 'function' ? Reflect.apply(getParser, parsers, [type]) !== undefined : undefined,
      // A plugin's own shared schemas are known to its own instance only.
      sharedSchemas: () =>
        typeof getSchemas === 'function'
          ? (Reflect.apply(getSchemas, server, []) as Record<string, unknown>)
          : fastify.getSchemas(),
    },
  ];
}

function schemasOf(schema: Record<string, unknown>): RouteSchemas {
  const { params, headers, body } = schema;
  return { params, headers, body, querystring: schema.querystring ?? schema.query };
}

/** A line of the printed tree: its indentation, a piece of the path, and the methods of the route that ends there. */
const PRINTED = /^([│ ]*)[├└]── (.*?)(?: \(([A-Z-]+(?:, [A-Z-]+)*)\)(?: (\{.*\}))?)?$/;
const INDENT = 4;

/** The routes as printRoutes() draws them. @internal */
export function fromText(printed: string, fastify: Pick<RoutePrinter, 'getSchemas'>): FoundRoute[] {
  const pieces: string[] = [];
  return printed.split('\n').flatMap((line) => {
    const [, indent, piece, methods, constraints] = PRINTED.exec(line) ?? [];
    if (indent === undefined || piece === undefined) return [];
    const depth = indent.length / INDENT;
    pieces.length = depth;
    pieces[depth] = piece === '(empty root node)' ? '' : piece;
    const url = pieces.join('');
    return (methods?.split(', ') ?? []).map((method) => ({
      method,
      url,
      schema: undefined,
      config: {},
      constraints: constraints === undefined ? {} : recordOf(JSON.parse(constraints)),
      derived: undefined,
      accepts: () => undefined,
      sharedSchemas: () => fastify.getSchemas(),
    }));
  });
}

/** Fastify's `exposeHeadRoutes`: a HEAD route for every GET route. */
function withDerivedHeads(routes: FoundRoute[]): FoundRoute[] {
  const nameOf = ({ url, constraints }: AuditRoute): string => JSON.stringify([url, constraints]);
  const gets = new Set(routes.filter(({ method }) => method === 'GET').map(nameOf));
  return routes.map((route) =>
    route.method === 'HEAD' && gets.has(nameOf(route)) ? { ...route, derived: 'head' } : route,
  );
}

/** The header in which a client sends the value of a constraint that Fastify's router has by itself. */
export const CONSTRAINT_HEADERS = Object.freeze({ host: 'host', version: 'accept-version' } as const);

/** The schema of a route's JSON body, and its content type. Fastify takes one schema for every body, or one for each type. */
export function bodySchemaOf({ schema }: FoundRoute): { readonly type: string; readonly schema: unknown } {
  const body = schema?.body;
  const content = recordOf(recordOf(body).content);
  const [type = 'application/json', of] = Object.entries(content).find(([name]) => name.includes('json')) ?? [];
  return { type, schema: of === undefined ? body : recordOf(of).schema };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}
