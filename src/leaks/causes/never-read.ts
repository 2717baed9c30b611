import { howItEnded, subject, unread } from '../phrases.js';
import type { Cause } from './cause.js';

export const neverRead: Cause<'never-read'> = {
  name: 'never-read',
  explanation: (facts) =>
    `Nothing ever read ${subject(facts)}: it has no 'data' or 'readable' listener, no pipe and no iterator${unread(facts)}; ${howItEnded(facts)}.`,
  fix: ({ resumeConnection, destroyConnection }) =>
    `Read the socket, or call ${resumeConnection} to discard what it sends; call ${destroyConnection} if the connection is not wanted.`,
  // A request that http reads itself is always read: this one was upgraded.
  reproduction: { by: 'request', leavesAt: 'upgrade', body: 'frame' },
  docs: 'docs/causes/never-read.md',
};
