import { capitalisedSubject, ending, unsent } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

/** Only with `httpAllowHalfOpen`: otherwise http ends the connection of a client that has gone. */
export const responseNotEnded: Cause<'response-not-ended'> = {
  name: 'response-not-ended',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} has ${facts.stream?.http?.responseStarted ? 'not ended its response' : 'not answered'}${unsent(facts)}, and httpAllowHalfOpen keeps the connection of a client that has left; ${ending(facts)}.`,
  fix: ({ limitResponse }) =>
    `Limit the time in which nothing is sent, and give the response up then: ${limitResponse}.`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/response-not-ended.md',
};
