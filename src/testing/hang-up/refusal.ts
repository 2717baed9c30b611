import { GuardError } from '../../base/errors.js';
import type { HangUpMoment } from './options.js';
import { handlerOf, type Handled, type HangUpHandler } from './handled.js';

/** What the client and, in this process, the server know of the response when the hang-up is over. */
export interface Answered {
  readonly at: HangUpMoment;
  /** Of the response's head that the client received; undefined: none came. */
  readonly seen: number | undefined;
  /** The same when the client hung up. */
  readonly seenBefore: number | undefined;
  readonly handled: Handled | undefined;
  readonly isFastify: boolean;
  /** It is an HTTP server of this process: a request that it did not hand on it answered itself. */
  readonly isOwnHttp: boolean;
}

export interface Outcome {
  readonly handler: HangUpHandler;
  /** Undefined where none was sent, or only for the client's having left. */
  readonly statusCode: number | undefined;
}

/** Node answers a request whose client leaves in the middle of it with 400, and Fastify may. */
const UNFINISHED: ReadonlySet<HangUpMoment> = new Set(['connect', 'mid-headers', 'headers', 'mid-body']);

/** Whether the handler ran, and what was answered, also where the client was not there to read it. */
export function outcomeOf({ at, seen, seenBefore, handled, isFastify, isOwnHttp }: Answered): Outcome {
  const written = handled?.response.headersSent ? handled.response.statusCode : undefined;
  const statusCode = seen ?? written;
  const isForLeaving = statusCode === 400 && seenBefore === undefined && UNFINISHED.has(at);
  const isBad = statusCode !== undefined && statusCode >= 400;
  const handler = handled
    ? handlerOf(handled, isFastify)
    : // An upgrade is no request to a listener of 'request'.
      isOwnHttp && isBad && at !== 'upgrade'
      ? 'not-run'
      : 'unknown';
  return { handler, statusCode: isForLeaving ? undefined : statusCode };
}

/** What to do about a response of 400 or more that no handler is known to have given; undefined for any other. */
export function hintOf({ handler, statusCode }: Outcome, asked: string): string | undefined {
  if (statusCode === undefined || statusCode < 400) return undefined;
  if (handler === 'ran') return undefined;
  if (handler === 'failed') return `${statusCode}: the handler failed`;
  return `${statusCode}: ${ADVICE[statusCode]?.(asked) ?? 'look who answers so'}`;
}

const LET_IN = (): string => 'give it headers that let it in';
const FITTING = (): string => 'give it a path, headers and a body that the route takes';
const ADVICE: Readonly<Record<number, ((asked: string) => string) | undefined>> = {
  400: FITTING,
  401: LET_IN,
  403: LET_IN,
  404: (asked) => `no route ${asked}`,
  405: (asked) => `no route ${asked}`,
  406: FITTING,
  413: () => 'give it a smaller body',
  415: () => 'give it a content-type that the route takes',
  422: FITTING,
  429: () => 'lift the rate limit for the test',
  503: () => 'the application takes no requests, as one that is closing',
};

/**
 * Whether nothing was tested: what was answered without the handler. Where nobody knows whether a handler ran, a status of
 * 4xx says so; one of 5xx is of somebody who tried.
 */
export function isRefusal({ handler, statusCode }: Outcome, expectedStatus: number | undefined): boolean {
  if (statusCode === undefined || statusCode < 400 || statusCode === expectedStatus) return false;
  return handler === 'not-run' || (handler === 'unknown' && statusCode < 500);
}

export function refusedError(outcome: Outcome, asked: string): GuardError {
  const { handler, statusCode } = outcome;
  const who = handler === 'not-run' ? 'and no handler ran' : 'and nothing on this server tells whether a handler ran';
  return new GuardError(
    'CWG_ERR_HANDLER_NOT_RUN',
    `close-wait-guard: hangUp() has tested nothing: ${asked} was answered ${String(statusCode)}, ${who}. ` +
      `${hintOf(outcome, asked)!}. If ${String(statusCode)} is what you test: { expectedStatus: ${String(statusCode)} }`,
  );
}
