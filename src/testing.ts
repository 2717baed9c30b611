/**
 * For tests of any runner: which sockets are leaked now, and an assertion that none is. Importing it
 * opens nothing: from then on Fastify's channel of handlers is heard, so that their routes are named.
 *
 * What it can see is what the kernel still holds: a socket that was closed before the search is no leak any more, so
 * search before the server is closed (`server.close()` and `app.close()` destroy the evidence).
 */
export { GuardError } from './base/errors.js';
export type { GuardErrorCode } from './base/errors.js';
export type { LeakCause, LeakKind } from './base/vocabulary.js';
export type { LeakReport } from './leaks/report.js';
export type { LeakedSocketsError } from './testing/check/failure.js';
export { assertNoLeakedSockets, findLeakedSockets } from './testing/check/find.js';
export { hangUp } from './testing/hang-up/index.js';
export type { HangUpHandler } from './testing/hang-up/handled.js';
export { HANG_UP_MOMENTS, HANG_UP_WAYS } from './testing/hang-up/options.js';
export type {
  HangUpBody,
  HangUpWay,
  HangUpMoment,
  HangUpOptions,
  HangUpRequest,
  HangUpResponse,
  HangUpResult,
  HangUpTarget,
} from './testing/hang-up/options.js';
export { reproduce } from './testing/reproduce.js';
export type { HangUpArguments, ReproducibleLeak } from './testing/reproduce.js';
export type { IgnoreRule } from './guard/ignore.js';
export type { FindLeakedSocketsOptions, ServerHolder } from './testing/check/options.js';
export { auditRoutes } from './testing/audit/index.js';
export type { FastifyApplication } from './testing/audit/listen.js';
export type { AuditExample, AuditOptions, AuditRequest } from './testing/audit/options.js';
export type {
  AuditLeak,
  AuditOutcome,
  AuditReport,
  AuditRow,
  NotTried,
  NotTriedReason,
} from './testing/audit/report.js';
export type { AuditRoute, RouteSchemas } from './frameworks/fastify/routes.js';
