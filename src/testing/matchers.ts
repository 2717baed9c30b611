import type { Server } from 'node:net';
import type { LeakReport } from '../leaks/report.js';
import { leakMessage } from './failure.js';
import { findLeakedSockets } from './find.js';
import type { LeakCheckOptions, ServerHolder } from './options.js';

/** What the setup files for vitest and jest add to `expect`. Await them, and before the server is closed. */
export interface LeakMatchers {
  /**
   * Passes when no connection that the server (net, tls, http, https, http2, or a Fastify instance) accepted is leaked.
   */
  toHaveNoLeakedSockets: (options?: LeakCheckOptions) => Promise<void>;
}

interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** For `expect.extend`. `account` is told of the leaks that a matcher has spoken of: no test is failed for them a second time. */
export function createMatchers(account: (leaks: readonly LeakReport[]) => void): {
  [Name in keyof LeakMatchers]: (actual: unknown, ...args: Parameters<LeakMatchers[Name]>) => Promise<MatcherResult>;
} {
  return {
    async toHaveNoLeakedSockets(server, options = {}) {
      const leaks = await findLeakedSockets({ ...options, server: server as Server | ServerHolder });
      account(leaks);
      return {
        pass: leaks.length === 0,
        message: () =>
          leaks.length === 0
            ? 'expected the server to have leaked sockets, and it has none'
            : leakMessage(leaks, (count) => `expected the server to have no leaked sockets, and it has ${count}`),
      };
    },
  };
}
