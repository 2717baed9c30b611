import type { HangUpMoment } from '../hang-up/options.js';

/** Row of what happens before the server can know which route is meant. */
export const ANY_ROUTE = '*';

/** Moments at which no route is known yet. */
const BEFORE_THE_ROUTE: readonly HangUpMoment[] = ['connect', 'mid-headers'];
const ONLY_WITH_BODY: readonly HangUpMoment[] = ['headers', 'mid-body'];

/** The moments of which the first says what the route answers; the earliest of the wanted ones that there can be. */
const ANSWERED: readonly HangUpMoment[] = ['response', 'idle', 'mid-response'];

export interface PlannedRoute {
  readonly method: string;
  readonly hasBody: boolean;
}

/** What is tried once for the whole application. */
export function momentsForAll(wanted: readonly HangUpMoment[]): HangUpMoment[] {
  return wanted.filter((moment) => BEFORE_THE_ROUTE.includes(moment));
}

/**
 * What makes sense for a route. Without a body, `headers` is the whole request, and there is no middle of a body. A server
 * without 'upgrade' listener answers an upgrade like any other request.
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

/** The moment to begin with: what is answered then says which body the route takes, and what it is useless to wait for. */
export function firstMoment(moments: readonly HangUpMoment[]): HangUpMoment | undefined {
  return ANSWERED.find((moment) => moments.includes(moment));
}

/** What came of the first moment. */
export interface FirstAnswer {
  /** Undefined: not even the response's head came. */
  readonly statusCode: number | undefined;
  readonly complete: boolean;
}

/** Moments that do not come, as the first answer has shown: waiting for them would cost a deadline each. */
export function unreachable(moments: readonly HangUpMoment[], { statusCode, complete }: FirstAnswer): HangUpMoment[] {
  const never: readonly HangUpMoment[] = complete
    ? []
    : statusCode === undefined
      ? ['mid-response', 'response', 'idle']
      : ['response', 'idle'];
  return moments.filter((moment) => never.includes(moment));
}

/** Statuses that say the request never got to the handler because of its body: another kind of body may. */
export function refusesBody(statusCode: number | undefined): boolean {
  return statusCode !== undefined && [400, 406, 413, 415, 422].includes(statusCode);
}

/** What is to be done about an answer that looks as if the handler had not run; undefined when it looks as if it had. */
export function adviceFor(statusCode: number | undefined): string | undefined {
  if (statusCode === undefined) return undefined;
  if (refusesBody(statusCode)) return `answered ${statusCode}: give it an example`;
  if (statusCode === 401 || statusCode === 403) return `answered ${statusCode}: give it headers that let it in`;
  if (statusCode === 429) return `answered ${statusCode}: lift the rate limit for the audit`;
  return undefined;
}
