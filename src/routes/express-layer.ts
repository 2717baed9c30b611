import { safePath } from '../base/escape.js';
import { fact } from '../base/fact.js';
import { property, stringProperty } from '../layers/node-internals.js';
import type { Layer } from './express-router.js';

/** What of a path was taken, and the parameters in it. */
interface Taken {
  readonly path: string;
  readonly params: Readonly<Record<string, unknown>>;
}

type Matcher = (path: string) => Taken | undefined;

export interface Match extends Taken {
  readonly by: Matcher;
  /** The pattern, where the router keeps it. */
  readonly pattern: unknown;
}

/** Asks the layer's own matchers, without `layer.match()`: up to router 2.2 that notes on the layer what it found. */
export function matchLayer({ itself }: Layer, path: string): Match | undefined {
  const regexp = property(itself, 'regexp');
  if (property(itself, 'slash') === true || property(regexp, 'fast_slash') === true)
    return { path: '', params: {}, by: () => undefined, pattern: undefined };
  const raw = property(itself, 'rawPath');
  for (const [i, by] of matchersOf(itself, regexp).entries()) {
    const found = fact(() => by(path), undefined);
    // As Express keeps it in `baseUrl`.
    if (found)
      return {
        ...found,
        path: found.path.replace(/\/$/, ''),
        by,
        pattern: Array.isArray(raw) ? (raw as unknown[])[i] : raw,
      };
  }
  return undefined;
}

function matchersOf(layer: object, regexp: unknown): Matcher[] {
  if (regexp instanceof RegExp) return [matcherOfFour(regexp, property(layer, 'keys'))];
  const matchers = property(layer, 'matchers');
  if (!Array.isArray(matchers)) return [];
  return matchers
    .filter((each): each is (path: string) => unknown => typeof each === 'function')
    .map((matcher) => (path) => {
      const found = matcher(path);
      const [taken, params] = [stringProperty(found, 'path'), property(found, 'params')];
      return taken === undefined ? undefined : { path: taken, params: (params ?? {}) as Taken['params'] };
    });
}

/** Express 4. A flag that moves `lastIndex` would show in the application. */
function matcherOfFour(regexp: RegExp, keys: unknown): Matcher {
  const moves = regexp.global || regexp.sticky;
  const still = moves ? new RegExp(regexp.source, regexp.flags.replace(/[gy]/g, '')) : regexp;
  const names = Array.isArray(keys) ? keys.map((key: unknown) => String(property(key, 'name'))) : [];
  return (path) => {
    const found = still.exec(path);
    return found
      ? { path: found[0], params: Object.fromEntries(names.map((name, i) => [name, found[i + 1]])) }
      : undefined;
  };
}

/** Values that a parameter may be restricted to. */
const PROBES = ['close-wait-guard', '8264119035', '497f6eca-6276-4993-bfeb-53cbbbba6f08', 'en'];
const MAX_PIECES = 32;

/**
 * What a layer took of a path, with its parameters by name. Where the router does not keep the pattern (Express 4, and 5 before 5.3), each
 * piece is put to the proof: another text in its place has to be what one parameter becomes. Undefined where that leaves one
 * unexplained.
 */
export function layerPattern(match: Match): string | undefined {
  if (typeof match.pattern === 'string') return match.pattern.replace(/\/$/, '');
  const wanted = Object.keys(match.params).filter((name) => match.params[name] !== undefined);
  if (wanted.length === 0) return match.pattern === undefined ? safePath(match.path) : undefined;
  const pieces = match.path.split('/');
  if (pieces.length > MAX_PIECES) return undefined;
  const named = pieces.map((piece, i) => {
    const name = piece === '' ? undefined : parameterAt(match, pieces, i);
    return name === undefined ? safePath(`/${piece}`).slice(1) : `:${name}`;
  });
  return wanted.every((name) => /^[A-Za-z_]\w*$/.test(name) && named.includes(`:${name}`))
    ? named.join('/')
    : undefined;
}

function parameterAt({ by, params }: Match, pieces: readonly string[], at: number): string | undefined {
  for (const probe of PROBES) {
    const path = pieces.map((piece, i) => (i === at ? probe : piece)).join('/');
    const found = fact(() => by(path), undefined);
    if (found?.path !== path) continue;
    const changed = Object.keys(found.params).filter((name) => found.params[name] !== params[name]);
    if (changed.length === 1 && found.params[changed[0]!] === probe) return changed[0];
  }
  return undefined;
}
