import type { LeakFacts } from '../facts.js';
import { bytes, grouped, howItEnded, capitalisedSubject, unread, unreadBytes } from '../phrases.js';
import type { Cause } from './cause.js';

export const requestBodyNotRead: Cause<'request-body-not-read'> = {
  name: 'request-body-not-read',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} has not read its request body${bodyLeft(facts)} and ${facts.stream?.http?.responseStarted ? 'has not ended its answer' : 'has not answered'}; ${howItEnded(facts)}.`,
  fix: ({ discardRequestBody, endResponse }) =>
    `Read the body (${discardRequestBody} discards it), or ${endResponse}: either lets Node see that the client has gone and close the socket.`,
  reproduction: { by: 'request', leavesAt: 'request', body: 'unread' },
  docs: 'docs/causes/request-body-not-read.md',
};

function bodyLeft(facts: LeakFacts): string {
  const declared = facts.stream?.http?.contentLength;
  return declared === undefined
    ? unread(facts)
    : ` (${bytes(declared)} declared, ${grouped(unreadBytes(facts))} unread)`;
}
