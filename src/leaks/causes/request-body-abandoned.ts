import { bytes, capitalisedSubject, ending, unreadBytes } from '../phrases.js';
import type { LeakFacts } from '../facts.js';
import type { Cause } from './cause.js';

export const requestBodyAbandoned: Cause<'request-body-abandoned'> = {
  name: 'request-body-abandoned',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} was answered before its request body had been read${left(facts)}, and its connection was kept for a next request; ${ending(facts)}.`,
  fix: ({ closeAfterResponse }) =>
    `Send Connection: close with the response that gives up on a body: ${closeAfterResponse}.`,
  // The response came while the rest of the body was on its way: the client has seen it.
  reproduction: { by: 'request', leavesAt: 'response', body: 'abandoned' },
  docs: 'docs/causes/request-body-abandoned.md',
};

/** What else the client had sent by then is with nobody, and not counted. */
function left(facts: LeakFacts): string {
  const count = unreadBytes(facts);
  return count > 0 ? ` (at least ${bytes(count)} left)` : '';
}
