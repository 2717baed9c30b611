import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fact } from '../../base/fact.js';

/** What Fastify passes to an `onRoute` hook, as far as it is read here. */
export interface RegisteredRoute {
  readonly method: string | readonly string[];
  /** With its prefix. */
  readonly url: string;
  readonly constraints?: unknown;
}

/** Where each route of an application was registered: a stack trace a route while it starts, and nothing afterwards. */
export class Registrations {
  readonly #places = new Map<string, string>();

  /** Called by an `onRoute` hook: the application's call of `get()`, `post()` or `route()` is on the stack. */
  readonly note = ({ method, url, constraints }: RegisteredRoute): void => {
    const place = fact(callingPlace, undefined);
    if (place === undefined) return;
    for (const one of [method].flat()) this.#places.set(keyOf(one, url, constraints), place);
  };

  /** As in `routes/items.js:42`; undefined for a route that was there before. */
  of(method: string, url: string, constraints: unknown): string | undefined {
    return this.#places.get(keyOf(method, url, constraints));
  }
}

function keyOf(method: string, url: string, constraints: unknown): string {
  return JSON.stringify([method, url, constraints ?? {}], (_key, value: unknown) =>
    value instanceof RegExp ? String(value) : value,
  );
}

/**
 * The application's line that called Fastify. Undefined where a package did so on its behalf, and where Fastify is bundled
 * with the application and no source map tells them apart.
 */
function callingPlace(): string | undefined {
  const stack = stackHere();
  if (typeof stack !== 'string') return undefined;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const first = frames.findIndex(isFastify);
  const caller = first === -1 ? undefined : frames.slice(first).find((frame) => !isFastify(frame) && !NODE.test(frame));
  return caller === undefined || /[/\\]node_modules[/\\]/.test(caller) ? undefined : placeIn(caller);
}

const MAX_FRAMES = 50;

/** What an application's own Error.prepareStackTrace makes of it may be anything. */
function stackHere(): unknown {
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = MAX_FRAMES;
    return new Error().stack;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

const NODE = /\(node:|at node:|<anonymous>\)?$|\(native\)$/;

function isFastify(frame: string): boolean {
  return /[/\\]node_modules[/\\]fastify[/\\]/.test(frame);
}

/** As in `at load (file:///srv/app/routes/items.js:42:7)`. The column is left out. */
function placeIn(frame: string): string | undefined {
  const [, where, line] = /^\s+at (?:.*? \()?([^()]*):(\d+):\d+\)?$/.exec(frame) ?? [];
  if (where === undefined) return undefined;
  const file = where.startsWith('file:') ? fileURLToPath(where) : where;
  const relative = path.isAbsolute(file) ? path.relative(process.cwd(), file) : file;
  return `${relative.startsWith('..') ? file : relative}:${line}`;
}
