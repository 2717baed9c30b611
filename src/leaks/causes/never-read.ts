import { ending, subject, unread } from '../phrases.js';
import type { LeakFacts } from '../facts.js';
import type { Cause } from './cause.js';

export const neverRead: Cause<'never-read'> = {
  name: 'never-read',
  explanation: (facts) =>
    `Nothing ever read ${connection(facts)}: it has no 'data' or 'readable' listener, no pipe and no iterator${unread(facts)}; ${ending(facts)}.`,
  fix: ({ resumeConnection, destroyConnection }, facts) =>
    isFromMessage(facts)
      ? `Read every socket that the 'message' listener is given, or end it where no branch takes it: ${destroyConnection}.`
      : `Read the socket, or discard what it sends: ${resumeConnection}.`,
  // A request that http reads itself is always read: this one was upgraded.
  reproduction: { by: 'request', leavesAt: 'upgrade', body: 'frame' },
  docs: 'docs/causes/never-read.md',
};

/** A server of this process has those that it is given for its own, as in a cluster. */
function isFromMessage({ server, transferred }: LeakFacts): boolean {
  return server === undefined && transferred?.direction === 'received' && transferred.as === 'message';
}

/** Whoever reads of a request that was never read thinks of its body. */
function connection(facts: LeakFacts): string {
  const { side, stream } = facts;
  return `${side === 'inbound' && stream?.http ? 'the connection of ' : ''}${subject(facts)}`;
}
