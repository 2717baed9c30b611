import { howItEnded, capitalisedSubject, unread } from '../phrases.js';
import type { Cause } from './cause.js';

export const paused: Cause<'paused'> = {
  name: 'paused',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} ${facts.stream?.hiddenTls ? 'carries TLS that is paused or not read' : 'is paused and was not resumed'}${unread(facts)}; ${howItEnded(facts)}.`,
  fix: ({ resumeConnection, destroyConnection }) =>
    `Call ${resumeConnection} after every pause(), and ${destroyConnection} when nobody will; use stream.pipeline() where pipe() can lose its destination.`,
  // A socket that http reads itself has http's own causes: this one was upgraded.
  reproduction: { by: 'request', leavesAt: 'upgrade', body: 'frame' },
  docs: 'docs/causes/paused.md',
};
