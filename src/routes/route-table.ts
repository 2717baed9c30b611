import { patternParts, type PatternPart } from './patterns.js';

/** A route as a request is told apart by: its method and its pattern. */
export interface TableRoute {
  readonly method: string;
  /** As in `/items/:id`. */
  readonly url: string;
}

interface Entry<Route> {
  readonly route: Route;
  readonly parts: readonly PatternPart[];
  readonly matches: RegExp;
}

/**
 * Finds the route of a request that is over for the router: by its method and path, as find-my-way would. It is asked for
 * the few sockets that are reported, so that nothing has to be noted of all the others.
 */
export class RouteTable<Route extends TableRoute> {
  readonly #byMethod = new Map<string, Entry<Route>[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const parts = patternParts(route.url);
      const entries = this.#byMethod.get(route.method) ?? [];
      this.#byMethod.set(route.method, entries);
      entries.push({ route, parts, matches: expressionOf(parts) });
    }
    // The first match is the one that the router prefers.
    for (const entries of this.#byMethod.values()) entries.sort((a, b) => precedence(a.parts, b.parts));
  }

  /** @param url of the request; its query does not matter */
  find(method: string, url: string): Route | undefined {
    const path = decoded(url.split(/[?#;]/, 1)[0] ?? '');
    return this.#byMethod.get(method)?.find(({ matches }) => matches.test(path))?.route;
  }
}

function expressionOf(parts: readonly PatternPart[]): RegExp {
  const source = parts.map((part) => {
    if (typeof part === 'string') return part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    if (part.name === '*') return '.*';
    return part.regex ? `(?:${part.regex.source.replace(/^\^|\$$/g, '')})` : '[^/]+?';
  });
  // The router may be told not to mind a slash at the end, nor capital letters: of two that differ in no more than that the
  // application has one.
  return new RegExp(`^${source.join('')}/?$`, 'i');
}

/** What is fixed goes before a parameter with an expression, that before one without, and a wildcard comes last. */
function precedence(a: readonly PatternPart[], b: readonly PatternPart[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [one, other] = [a[i], b[i]];
    if (typeof one === 'string' && typeof other === 'string') {
      // `/items/mine` goes before `/items/:id`: the longer text leaves less to parameters.
      if (one !== other) return other.length - one.length;
      continue;
    }
    const difference = rank(one) - rank(other);
    if (difference !== 0) return difference;
  }
  return 0;
}

function rank(part: PatternPart | undefined): number {
  if (part === undefined || typeof part === 'string') return 0;
  if (part.name === '*') return 3;
  return part.regex ? 1 : 2;
}

/** As the client sent it, where it is no valid encoding. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}
