import { foldPath } from '../base/fold.js';
import { safePath } from '../base/escape.js';
import { objectProperty, property, stringProperty } from '../layers/node-internals.js';
import { rootOf, routersOf, stackOf, type Layer } from './express-router.js';
import { layerPattern, matchLayer } from './express-layer.js';

/** Whether a message is Express's: 4 and 5 give it the application as `app`. */
export function isExpress(request: unknown): boolean {
  const app = property(request, 'app');
  return (
    typeof app === 'function' &&
    typeof property(app, 'handle') === 'function' &&
    objectProperty(app, 'settings') !== undefined
  );
}

/**
 * The pattern of the route that an Express request went to, with the mounted routers' parameters in it:
 * `/api/:tenant/orders/:id`. A prefix whose parameters cannot be told is there as it was sent, folded. Undefined where no route
 * took the request. Read when a leak is described: from the message, and the routers that it went through.
 */
export function expressRoute(request: object): string | undefined {
  const path = pathOf(stringProperty(request, 'originalUrl') ?? stringProperty(request, 'url'));
  if (path === undefined || path.length > MAX_PATH) return undefined;
  const base = stringProperty(request, 'baseUrl') ?? '';
  if (!path.startsWith(base)) return undefined;
  const route = objectProperty(request, 'route');
  const search = new Search(request, path);
  const taken = route && (search.taken(base, route) ?? unproven(path, base, route));
  if (taken !== undefined) return taken;
  // It waits in a middleware. A route may have passed it on.
  return (base === '' ? undefined : search.mounted(base)) ?? (route ? undefined : search.expected());
}

/** What is longer is no path that a person has thought of. */
const MAX_PATH = 1024;
const MAX_LAYERS = 10_000;
const MAX_DEPTH = 16;

/** Without a query; of an absolute target, the path. */
function pathOf(target: string | undefined): string | undefined {
  return target === undefined ? undefined : /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)/i.exec(target)?.[1];
}

/** Where a router itself was called by a function of the application's, the chain of layers is broken. */
function unproven(path: string, base: string, route: object): string | undefined {
  const own = property(route, 'path');
  return typeof own === 'string' && looksLike(own, path.slice(base.length))
    ? joined(foldPath(safePath(base)), own)
    : undefined;
}

/** Whether a path is one of a pattern's that has only plain pieces and whole parameters. */
function looksLike(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern, path].map((text) => text.replace(/\/$/, '').split('/'));
  return (
    wanted!.length === given!.length &&
    wanted!.every((piece, i) => /^:\w+$/.test(piece) || piece.toLowerCase() === given![i]!.toLowerCase())
  );
}

function joined(prefix: string, own: string): string {
  if (own === '/' || own === '') return prefix === '' ? '/' : prefix;
  return `${prefix}${own.startsWith('/') ? '' : '/'}${own}`;
}

/** Goes through the routers of an application, as the request did. */
class Search {
  readonly #request: object;
  readonly #path: string;
  #layersLeft = MAX_LAYERS;

  constructor(request: object, path: string) {
    this.#request = request;
    this.#path = path;
  }

  /** The route that took it, under the prefix `base`. */
  taken(base: string, route: object): string | undefined {
    const found = this.#only(
      this.#prefixes(this.#root(), base, (stack) => stack.some((layer) => layer.route === route)),
    );
    if (found === undefined) return undefined;
    const layer = found.stack.find((each) => each.route === route);
    return joined(found.prefix, ownPattern(property(route, 'path'), layer!, this.#path.slice(base.length)));
  }

  /** What is mounted at `base` and is no router, as Apollo's handler: with the rest of the path as it was sent. */
  mounted(base: string): string | undefined {
    const isHandler = (stack: readonly Layer[], from: number): string[] =>
      stack.flatMap((layer) => {
        if (layer.route || routersOf(layer, this.#request).length > 0) return [];
        const match = matchLayer(layer, this.#path.slice(from) || '/');
        return match && match.path !== '' && match.path === base.slice(from)
          ? [layerPattern(match) ?? foldPath(safePath(match.path))]
          : [];
      });
    const patterns = new Set<string>();
    for (const each of this.#walk(this.#root(), base, 0, '', 0))
      for (const own of isHandler(each.stack, each.from)) patterns.add(each.prefix + own);
    const [pattern] = patterns;
    return pattern === undefined || patterns.size > 1
      ? undefined
      : joined(pattern, foldPath(safePath(this.#path.slice(base.length))));
  }

  /**
   * The first route that the request would go to. Not for what a middleware may serve by itself, such as a file; nor one that
   * takes every path.
   */
  expected(): string | undefined {
    const method = stringProperty(this.#request, 'method')?.toLowerCase();
    if (method === undefined || method === 'get' || method === 'head') return undefined;
    return this.#firstRoute(this.#root(), method, 0, '', 0) ?? undefined;
  }

  /** Null: it cannot be told. */
  #firstRoute(
    stack: readonly Layer[],
    method: string,
    from: number,
    prefix: string,
    depth: number,
  ): string | undefined | null {
    if (depth > MAX_DEPTH) return null;
    for (const layer of stack) {
      if (this.#layersLeft-- <= 0) return null;
      if (layer.route === undefined && layer.name !== 'router' && layer.name !== 'mounted_app') continue;
      const path = this.#path.slice(from) || '/';
      const match = matchLayer(layer, path);
      if (!match) continue;
      if (layer.route) {
        const methods = objectProperty(layer.route, 'methods');
        if (property(methods, method) !== true && property(methods, '_all') !== true) continue;
        const own = ownPattern(property(layer.route, 'path'), layer, path);
        return own.includes('*') ? null : joined(prefix, own);
      }
      const routers = routersOf(layer, this.#request);
      if (routers.length !== 1) return null;
      const mount = layerPattern(match) ?? foldPath(safePath(match.path));
      const found = this.#firstRoute(routers[0]!, method, from + match.path.length, prefix + mount, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #root(): readonly Layer[] {
    return stackOf(rootOf(this.#request));
  }

  /** The one prefix under which `isIt` is true of a router; undefined where there is none, or more than one. */
  #only(found: Iterable<Place>): Place | undefined {
    let one: Place | undefined;
    for (const place of found) {
      if (one && one.prefix !== place.prefix) return undefined;
      one = place;
    }
    return one;
  }

  *#prefixes(stack: readonly Layer[], base: string, isIt: (stack: readonly Layer[]) => boolean): Generator<Place> {
    for (const place of this.#walk(stack, base, 0, '', 0))
      if (place.from === base.length && isIt(place.stack)) yield place;
  }

  /** Every router that is mounted at `base` or above it, and what leads there. */
  *#walk(stack: readonly Layer[], base: string, from: number, prefix: string, depth: number): Generator<Place> {
    if (depth > MAX_DEPTH) return;
    yield { stack, from, prefix };
    for (const layer of stack) {
      if (this.#layersLeft-- <= 0) return;
      const routers = layer.route ? [] : routersOf(layer, this.#request);
      const match = routers.length > 0 ? matchLayer(layer, this.#path.slice(from) || '/') : undefined;
      if (!match || !base.startsWith(match.path, from)) continue;
      const mount = layerPattern(match) ?? foldPath(safePath(match.path));
      for (const router of routers)
        yield* this.#walk(router, base, from + match.path.length, prefix + mount, depth + 1);
    }
  }
}

interface Place {
  readonly stack: readonly Layer[];
  /** How much of the path is before it. */
  readonly from: number;
  readonly prefix: string;
}

/** Of several paths of one route the one that was taken; of a regular expression what was asked for, folded. */
function ownPattern(own: unknown, layer: Layer, path: string): string {
  if (typeof own === 'string') return own;
  const match = matchLayer(layer, path || '/');
  const proven = match && layerPattern(match);
  if (proven !== undefined) return proven;
  const paths = Array.isArray(own) ? own.filter((each): each is string => typeof each === 'string') : [];
  const fitting = paths.filter((each) => looksLike(each, path));
  return fitting.length === 1 ? fitting[0]! : foldPath(safePath(path));
}
