import { fact } from '../base/fact.js';
import { objectProperty, property, stringProperty } from '../layers/node-internals.js';

/** A layer of a router's stack, as far as it is read here. */
export interface Layer {
  readonly name: string | undefined;
  readonly handle: unknown;
  readonly route: object | undefined;
  /** Express's own. */
  readonly itself: object;
}

const MAX_PARENTS = 16;

/** The application that the message came to first: those that are mounted in another one have a `parent`. */
export function rootOf(request: object): unknown {
  return applicationsOf(request)[0];
}

/** From the outermost to the one that has the request now. */
function applicationsOf(request: object): readonly unknown[] {
  const found: unknown[] = [];
  for (let app = property(request, 'app'); typeof app === 'function' && found.length < MAX_PARENTS;) {
    found.unshift(app);
    app = property(app, 'parent');
  }
  return found;
}

/** The layers of a router, or of an application's router. */
export function stackOf(routerOrApp: unknown): readonly Layer[] {
  const stack = property(routerOf(routerOrApp), 'stack');
  if (!Array.isArray(stack)) return [];
  return stack.flatMap((layer: unknown) =>
    typeof layer === 'object' && layer !== null
      ? [
          {
            name: stringProperty(layer, 'name'),
            handle: property(layer, 'handle'),
            route: objectProperty(layer, 'route'),
            itself: layer,
          },
        ]
      : [],
  );
}

/** Express 4 has `_router`, and a `router` that throws; Express 5 has `router`. */
function routerOf(routerOrApp: unknown): unknown {
  if (property(routerOrApp, 'settings') === undefined) return routerOrApp;
  const isFour = typeof property(routerOrApp, 'lazyrouter') === 'function';
  return property(routerOrApp, isFour ? '_router' : 'router');
}

/** The stacks that a layer leads to: a router's; of a mounted application, which hides behind a function, those it may be. */
export function routersOf({ name, handle }: Layer, request: object): readonly (readonly Layer[])[] {
  if (typeof handle !== 'function') return [];
  if (Array.isArray(property(handle, 'stack'))) return [stackOf(handle)];
  return name === 'mounted_app' ? fact(() => applicationsOf(request).slice(1), []).map((app) => stackOf(app)) : [];
}
