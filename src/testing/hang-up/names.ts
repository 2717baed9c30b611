import { badArgument, GuardError, inspectValue } from '../../base/errors.js';
import { HTTP_METHODS } from '../../base/http.js';
import { nearestOf } from '../../base/nearest.js';

export const REQUEST_NAMES = Object.freeze(['method', 'path', 'headers', 'body']);

/** What other libraries call the parts of a request: inject(), fetch() and supertest. */
const OTHER_NAMES: Readonly<Record<string, string | undefined>> = {
  url: 'path',
  uri: 'path',
  query: 'path',
  route: 'path',
  type: 'method',
  verb: 'method',
  payload: 'body',
  data: 'body',
  json: 'body',
};

/** The part of a request that a wrong name means; undefined where nothing tells. */
export function meantPart(name: string): string | undefined {
  return OTHER_NAMES[name.toLowerCase()] ?? nearestOf(name, REQUEST_NAMES);
}

/**
 * @throws GuardError CWG_ERR_ARGUMENT naming the part that a request does not have, and the one that was meant; also for a
 * method that Node does not know
 */
export function checkRequest(request: object): void {
  checkNames(request);
  const { method } = request as { readonly method?: unknown };
  if (method !== undefined) checkMethod(method);
}

function checkNames(request: object): void {
  const unknown = Object.keys(request).find((name) => !REQUEST_NAMES.includes(name));
  if (unknown === undefined) return;
  const meant = meantPart(unknown);
  throw new GuardError(
    'CWG_ERR_ARGUMENT',
    `close-wait-guard: a request given to hangUp() has no ${inspectValue(unknown)}; it has ${REQUEST_NAMES.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  );
}

/** Node's parser would answer 400 in the handler's place. */
function checkMethod(method: unknown): void {
  if (typeof method === 'string' && HTTP_METHODS.includes(method)) return;
  const meant = typeof method === 'string' ? nearestOf(method, HTTP_METHODS) : undefined;
  throw badArgument(
    `the request's method`,
    method,
    `an HTTP method that Node knows, as GET or POST${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  );
}
