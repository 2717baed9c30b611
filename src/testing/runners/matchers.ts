import type { Server } from 'node:net';
import type { LeakReport } from '../../leaks/report.js';
import { auditRoutes } from '../audit/index.js';
import type { FastifyApplication } from '../audit/listen.js';
import type { AuditOptions } from '../audit/options.js';
import { leakMessage } from '../check/failure.js';
import { findLeakedSockets } from '../check/find.js';
import type { LeakCheckOptions, ServerHolder } from '../check/options.js';

/** What the setup files for vitest and jest add to `expect`. Await them, and before the server is closed. */
export interface LeakMatchers {
  /**
   * Passes when no connection that the server (net, tls, http, https, http2, or a Fastify instance) accepted is leaked.
   */
  toHaveNoLeakedSockets: (options?: LeakCheckOptions) => Promise<void>;
  /**
   * Passes when no route of a Fastify application leaks its sockets, whenever a client hangs up: see `auditRoutes`. Takes
   * longer than a runner's default time-out where something leaks.
   */
  toSurviveHangUps: (options?: AuditOptions) => Promise<void>;
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
  };
}
