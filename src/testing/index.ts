/**
 * For tests of any runner: which sockets are leaked now, and an assertion that none is. Importing it does nothing.
 *
 * What it can see is what the kernel still holds: a socket that was closed before the search is no leak any more, so
 * search before the server is closed (`server.close()` and `app.close()` destroy the evidence).
 */
export { GuardError } from '../errors.js';
export type { GuardErrorCode } from '../errors.js';
export type { LeakCause, LeakKind, LeakReport } from '../leaks/report.js';
export type { LeakedSocketsError } from './failure.js';
export { assertNoLeakedSockets, findLeakedSockets } from './find.js';
export { hangUp } from './hang-up/index.js';
export { HANG_UP_HOWS, HANG_UP_MOMENTS } from './hang-up/options.js';
export type {
  HangUpBody,
  HangUpHow,
  HangUpMoment,
  HangUpOptions,
  HangUpRequest,
  HangUpResponse,
  HangUpResult,
  HangUpTarget,
} from './hang-up/options.js';
export { reproduce } from './reproduce.js';
export type { HangUpArguments, ReproducibleLeak } from './reproduce.js';
export type { FindLeakedSocketsOptions, ServerHolder } from './options.js';
export { auditRoutes } from './audit/index.js';
export type { FastifyApplication } from './audit/listen.js';
export type { AuditExample, AuditOptions, AuditRequest } from './audit/options.js';
export type { AuditLeak, AuditOutcome, AuditReport, AuditRow, NotTried, NotTriedReason } from './audit/report.js';
export type { AuditRoute, RouteSchemas } from '../routes/fastify-routes.js';
