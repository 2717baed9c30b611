import { badOption } from '../../base/errors.js';

/** Keeps a page out of those that @fastify/swagger makes. */
export const HIDDEN: object = { hide: true };

export const TAKES_PATH = `a path that starts with '/' and does not end with one, or false`;

export function isPath(value: unknown): value is string {
  return typeof value === 'string' && /^\/(.*[^/])$/.test(value);
}

/** @throws GuardError CWG_ERR_OPTION */
export function checkPath(name: string, path: unknown): asserts path is string | false {
  if (path !== false && !isPath(path)) throw badOption(name, path, TAKES_PATH);
}

/**
 * The pattern of a route at `path` that an application may declare, too, before or later: its own is an exact one, and ours is a
 * parameter that has to be the last piece of the path, which the router prefers to wildcards and to other parameters, and
 * not to exact ones.
 * @param behind how many characters of the path stand behind the parameter: below one parent the router tells two routes apart by
 * these alone, and not by their regular expressions
 */
export function yieldingRoute(path: string, behind: 0 | 1): string {
  const [, parent = '', name = ''] = /^(.*\/)([^/]+)$/.exec(path) ?? [];
  const cut = name.length > 1 ? name.length - behind : name.length;
  const [parameter, rest] = [name.slice(0, cut), name.slice(cut)];
  const literal = (text: string): string => text.replaceAll(':', '::');
  return `${literal(parent)}:closeWaitGuard(^${parameter.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$)${literal(rest)}`;
}
