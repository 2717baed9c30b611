import type { LeakFacts } from '../facts.js';
import { howItEnded, subject, unread } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const responseBodyNotRead: Cause<'response-body-not-read'> = {
  name: 'response-body-not-read',
  explanation: (facts) =>
    `The response of ${subject(facts)}${askedBy(facts)} was never read to its end${unread(facts)}; ${howItEnded(facts)}.`,
  fix: ({ discardResponseBody }) => `Consume every response: ${discardResponseBody}.`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/response-body-not-read.md',
};

/** The inbound request whose handler made it, and the first frame of the application's stack then. */
function askedBy({ requestedBy, stack }: LeakFacts): string {
  const who = requestedBy === undefined ? '' : `, asked for by ${requestedBy}`;
  return `${who}${stack === undefined ? '' : ` (${stack.split('\n', 1)[0]!})`}${who === '' ? '' : ','}`;
}
