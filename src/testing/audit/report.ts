import type { LeakReport } from '../../leaks/report.js';
import type { HangUpHandler } from '../hang-up/handled.js';
import type { HangUpWay, HangUpMoment } from '../hang-up/options.js';

/**
 * `ok`: the server closed its end. `leak`: it did not. `open`: it had not yet, and still made progress. `not-reached`: the
 * moment did not come. `not-tried`: see {@link AuditReport.notTried}.
 */
export type AuditOutcome = 'ok' | 'leak' | 'open' | 'not-reached' | 'not-tried';

/** One route. Method `*`: the client hangs up before the server can know which route is meant. */
export interface AuditRow {
  readonly method: string;
  readonly url: string;
  /** Of its response to a whole request. */
  readonly statusCode: number | undefined;
  /** `ran` where one hang-up at least got to the handler; `failed` where the handler failed each time. */
  readonly handler: HangUpHandler;
  /** What to give the audit so that its requests reach the handler, and the handler does its work. */
  readonly advice: string | undefined;
  /** The worst outcome at each moment, of all ways to hang up. A moment that the route cannot have is not in it. */
  readonly moments: Readonly<Partial<Record<HangUpMoment, AuditOutcome>>>;
}

export interface AuditLeak {
  readonly method: string;
  readonly url: string;
  /** Undefined for a connection that a handler opened: it is not known for which of the requests. */
  readonly at: HangUpMoment | undefined;
  readonly how: HangUpWay | undefined;
  readonly leak: LeakReport;
}

/** Why something was not tried. `generated`: Fastify made the route from another one. With the others the audit is incomplete. */
export type NotTriedReason = 'filter' | 'generated' | 'no-sample' | 'max-runs' | 'time-limit' | 'failed';

export interface NotTried {
  readonly method: string;
  readonly url: string;
  /** Undefined: nothing was tried of this route. */
  readonly at: HangUpMoment | undefined;
  readonly reason: NotTriedReason;
  readonly explanation: string;
}

/** Plain data, and `toString()`, which draws a table. */
export interface AuditReport {
  /**
   * Nothing leaked, and everything was tried but what `filter` excluded and routes that Fastify made itself; and no handler was
   * kept from running, or failed, at each hang-up.
   */
  readonly survived: boolean;
  /** True: where the addon cannot run, an audit is refused. */
  readonly supported: boolean;
  readonly rows: readonly AuditRow[];
  readonly leaks: readonly AuditLeak[];
  readonly notTried: readonly NotTried[];
  /** How many times a client hung up. */
  readonly runs: number;
  readonly durationMs: number;
  toString(): string;
}

/** Whether its handler did nothing that an audit could see. */
export function isUntested({ handler, statusCode }: Pick<AuditRow, 'handler' | 'statusCode'>): boolean {
  return handler === 'failed' || (handler === 'not-run' && statusCode !== undefined && statusCode >= 400);
}

const WORST_FIRST: readonly AuditOutcome[] = ['leak', 'open', 'not-tried', 'not-reached', 'ok'];

export function worseOf(one: AuditOutcome | undefined, other: AuditOutcome): AuditOutcome {
  return WORST_FIRST.find((outcome) => outcome === one || outcome === other) ?? other;
}

/** Whether the audit is incomplete without it: nobody chose not to try it. */
export function isMissing({ reason }: NotTried): boolean {
  return reason !== 'filter' && reason !== 'generated';
}
