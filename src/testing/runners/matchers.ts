import type { Server } from 'node:net';
import { badArgument, GuardError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import type { LeakReport } from '../../leaks/report.js';
import { auditRoutes } from '../audit/index.js';
import type { FastifyApplication } from '../audit/listen.js';
import type { AuditOptions } from '../audit/options.js';
import { leakMessage } from '../check/failure.js';
import { findLeakedSockets } from '../check/find.js';
import type { LeakCheckOptions, ServerHolder } from '../check/options.js';
import type { HangUpResult } from '../hang-up/options.js';

/** What the setup files for vitest and jest add to `expect`. Await them, and before the server is closed. */
export interface LeakMatchers {
  /**
   * Passes when no connection that the server (net, tls, http, https, http2, or a Fastify instance) accepted is leaked.
   */
  toHaveNoLeakedSockets: (options?: LeakCheckOptions) => Promise<void>;
  /**
   * Passes when no route of a Fastify application leaks its sockets, whenever a client hangs up: see `auditRoutes`. Ten
   * routes that leak take less than the 5 s that runners give a test.
   */
  toSurviveHangUps: (options?: AuditOptions) => Promise<void>;
  /**
   * Of what `hangUp` returns, or its promise: passes when the server has closed its end and leaked nothing. What has tested
   * nothing (the moment did not come, no handler ran) fails with and without `.not`.
   */
  toBeClosed: () => Promise<void>;
}

interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** For `expect.extend`. The runner is told of the leaks that a matcher has found: no test is failed for them a second time. */
export function createMatchers(runner: { readonly account: (leaks: readonly LeakReport[]) => void }): {
  [Name in keyof LeakMatchers]: (actual: unknown, ...args: Parameters<LeakMatchers[Name]>) => Promise<MatcherResult>;
} {
  return {
    async toHaveNoLeakedSockets(server, options = {}) {
      const leaks = await findLeakedSockets({ ...options, server: server as Server | ServerHolder });
      runner.account(leaks);
      return {
        pass: leaks.length === 0,
        message: () =>
          leaks.length === 0
            ? 'expected the server to have leaked sockets, and it has none'
            : leakMessage(leaks, (count) => `expected the server to have no leaked sockets, and it has ${count}`),
      };
    },
    async toSurviveHangUps(app, options) {
      const report = await auditRoutes(app as FastifyApplication, options);
      runner.account(report.leaks.map(({ leak }) => leak));
      return {
        pass: report.survived,
        message: () =>
          report.survived
            ? 'expected the application not to survive clients that hang up, and it does'
            : `expected the application to survive clients that hang up\n\n${String(report)}`,
      };
    },
    async toBeClosed(hungUp) {
      const result: unknown = await hungUp;
      if (!isResult(result)) throw badArgument('what toBeClosed() is given', result, 'what hangUp() returns');
      const { leak, closed, reached, response, hint } = result;
      if (leak) {
        runner.account([leak]);
        return { pass: false, message: () => leakText(leak) };
      }
      const because = hint ?? (response && `it was answered ${response.statusCode}`);
      const why = because === undefined ? '' : ` (${because})`;
      // Neither that it closes nor that it does not has been seen.
      if (!reached) throw untested(`the moment to hang up did not come${why}`);
      if (closed === undefined)
        throw untested('of a server elsewhere only a FIN tells, and the client left without one');
      return {
        pass: closed,
        message: () =>
          closed
            ? 'expected the server not to close its end of the connection, and it has'
            : `expected the server to close its end of the connection, and after ${result.afterMs} ms it was still at work on it${why}`,
      };
    },
  };
}

function isResult(value: unknown): value is HangUpResult {
  return isObject(value) && 'reached' in value && 'closed' in value && 'afterMs' in value;
}

function untested(why: string): GuardError {
  return new GuardError('CWG_ERR_ARGUMENT', `close-wait-guard: toBeClosed() has nothing to go by: ${why}`);
}

/** What happened comes first: a runner's summary shows one line. */
function leakText({ explanation, fix, kind, cause }: LeakReport): string {
  return `${explanation}\n  Fix: ${fix}\n  expected the server to close its end of the connection, and it is leaked: ${kind}, ${cause}`;
}
