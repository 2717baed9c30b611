import { ending, subject, unread } from '../phrases.js';
import type { Cause } from './cause.js';

export const neverRead: Cause<'never-read'> = {
  name: 'never-read',
  explanation: (facts) =>
    `Nothing ever read ${subject(facts)}: it has no 'data' or 'readable' listener, no pipe and no iterator${unread(facts)}; ${ending(facts)}.`,
  fix: ({ resumeConnection }) => `Read the socket, or discard what it sends: ${resumeConnection}.`,
  // A request that http reads itself is always read: this one was upgraded.
  reproduction: { by: 'request', leavesAt: 'upgrade', body: 'frame' },
  docs: 'docs/causes/never-read.md',
};
