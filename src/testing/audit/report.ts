import type { LeakReport } from '../../leaks/report.js';
import type { HangUpHow, HangUpMoment } from '../hang-up/options.js';

/**
 * `ok`: the server closed its end. `leak`: it did not. `open`: it did not yet, and was still at work on it. `not-reached`:
 * the moment did not come. `not-tried`: see {@link AuditReport.notTried}.
 */
export type AuditOutcome = 'ok' | 'leak' | 'open' | 'not-reached' | 'not-tried';

/** One route. The row of method `*` is what happens before the server knows which route is meant. */
export interface AuditRow {
  readonly method: string;
  readonly url: string;
  /** What it answered to a whole request. */
  readonly statusCode: number | undefined;
  /** What to give the audit so that it gets to the handler. */
  readonly advice: string | undefined;
  /** The worst of what happened at each moment, whichever way the client left. Moments that make no sense are left out. */
  readonly moments: Readonly<Partial<Record<HangUpMoment, AuditOutcome>>>;
}

export interface AuditLeak {
  readonly method: string;
  readonly url: string;
  /** Undefined for a connection that a handler opened: which of its requests it was for is not known. */
  readonly at: HangUpMoment | undefined;
  readonly how: HangUpHow | undefined;
  readonly leak: LeakReport;
}

/** Why something was not tried; with all but the first two the audit is not complete. */
export type NotTriedReason = 'filter' | 'twin' | 'no-sample' | 'max-runs' | 'time-limit' | 'failed';

export interface NotTried {
  readonly method: string;
  readonly url: string;
  /** Undefined: nothing of this route. */
  readonly at: HangUpMoment | undefined;
  readonly reason: NotTriedReason;
  readonly explanation: string;
}

/** Plain data, but for `toString()`, which draws it as a table. */
export interface AuditReport {
  /** Nothing leaked, and nothing was left out but what the filter left out and routes that Fastify made itself. */
  readonly survived: boolean;
  /** False where the addon cannot run: nothing can be found then. */
  readonly supported: boolean;
  readonly rows: readonly AuditRow[];
  readonly leaks: readonly AuditLeak[];
  readonly notTried: readonly NotTried[];
  /** How many times a client hung up. */
  readonly runs: number;
  readonly durationMs: number;
  toString(): string;
}

const WORST_FIRST: readonly AuditOutcome[] = ['leak', 'open', 'not-tried', 'not-reached', 'ok'];

export function worseOf(one: AuditOutcome | undefined, other: AuditOutcome): AuditOutcome {
  return WORST_FIRST.find((outcome) => outcome === one || outcome === other) ?? other;
}

/** Whether what was not tried leaves a hole in the audit that nobody asked for. */
export function leavesHole({ reason }: NotTried): boolean {
  return reason !== 'filter' && reason !== 'twin';
}
