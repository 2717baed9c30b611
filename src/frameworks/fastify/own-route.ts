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
 */
export function yieldingRoute(path: string): string {
  const [, parent = '', name = ''] = /^(.*\/)([^/]+)$/.exec(path) ?? [];
  return `${parent.replaceAll(':', '::')}:closeWaitGuard(^${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$)`;
}
