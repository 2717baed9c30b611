import type { HangUpHandler } from '../hang-up/handled.js';
import type { HangUpMoment } from '../hang-up/options.js';

/** Method and pattern of the row for moments before the server can know which route is meant. */
export const ANY_ROUTE = '*';

/** Moments at which no route is known yet. */
const BEFORE_THE_ROUTE: readonly HangUpMoment[] = ['connect', 'mid-headers'];
const ONLY_WITH_BODY: readonly HangUpMoment[] = ['headers', 'mid-body'];

/** Moments with a response, best first: the first run is at one of them, and tells how the route responds. */
const WITH_RESPONSE: readonly HangUpMoment[] = ['response', 'idle', 'mid-response'];

export function hasResponse(moment: HangUpMoment): boolean {
  return WITH_RESPONSE.includes(moment);
}

export interface PlannedRoute {
  readonly method: string;
  readonly hasBody: boolean;
}

/** What is tried once for the whole application. */
export function momentsForAll(wanted: readonly HangUpMoment[]): HangUpMoment[] {
  return wanted.filter((moment) => BEFORE_THE_ROUTE.includes(moment));
}

/**
 * The moments that a route can have. Without a body, `headers` is the whole request, and there is no middle of a body. A
 * server without 'upgrade' listener handles an upgrade like any other request.
 */
export function momentsFor(
  { method, hasBody }: PlannedRoute,
  wanted: readonly HangUpMoment[],
  upgrades: boolean,
): HangUpMoment[] {
  return wanted.filter((moment) => {
    if (BEFORE_THE_ROUTE.includes(moment)) return false;
    if (ONLY_WITH_BODY.includes(moment)) return hasBody;
    return moment !== 'upgrade' || (method === 'GET' && upgrades);
  });
}

/** The moment to begin with: the response tells which body the route takes, and for which moments it is useless to wait. */
export function firstMoment(moments: readonly HangUpMoment[]): HangUpMoment | undefined {
  return WITH_RESPONSE.find((moment) => moments.includes(moment));
}

/** How the route responded in the first run. */
export interface FirstResponse {
  /** Undefined: no head of a response came. */
  readonly statusCode: number | undefined;
  readonly complete: boolean;
}

/** Moments that will not come, as the first response shows: waiting for them would cost a deadline each. */
export function unreachable(moments: readonly HangUpMoment[], { statusCode, complete }: FirstResponse): HangUpMoment[] {
  const never: readonly HangUpMoment[] = complete
    ? []
    : statusCode === undefined
      ? ['mid-response', 'response', 'idle']
      : ['response', 'idle'];
  return moments.filter((moment) => never.includes(moment));
}

/** Whether the status says that the body kept the request from the handler: another kind of body may get there. */
export function refusesBody(statusCode: number | undefined): boolean {
  return statusCode !== undefined && [400, 406, 413, 415, 422].includes(statusCode);
}

/** What to do about a status that says that the handler did not run, or failed; undefined for any other. */
export function adviceFor(statusCode: number | undefined, handler: HangUpHandler): string | undefined {
  if (statusCode === undefined) return undefined;
  const answered = `answered ${statusCode}: `;
  if (handler === 'failed') return `${answered}give it an example that its handler does not fail on`;
  if (refusesBody(statusCode)) return `${answered}give it an example`;
  if (statusCode === 401 || statusCode === 403) return `${answered}give it headers that let it in`;
  if (statusCode === 429) return `${answered}lift the rate limit for the audit`;
  return handler === 'not-run' && statusCode >= 400 ? `${answered}look who answers so` : undefined;
}
