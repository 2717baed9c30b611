import { howItEnded, capitalisedSubject, unread } from '../phrases.js';
import type { Cause } from './cause.js';

export const requestBodyAbandoned: Cause<'request-body-abandoned'> = {
  name: 'request-body-abandoned',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} was answered while its request body was abandoned half read${unread(facts)}; ${howItEnded(facts)}.`,
  fix: ({ discardRequestBody }) =>
    `Reply with Connection: close, or read the rest of the body (${discardRequestBody}), when a body's pipeline fails.`,
  // The response came while the rest of the body was on its way: the client has seen it.
  reproduction: { by: 'request', leavesAt: 'response', body: 'abandoned' },
  docs: 'docs/causes/request-body-abandoned.md',
};
