import { howItEnded, capitalisedSubject, unsent } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const responseNotEnded: Cause<'response-not-ended'> = {
  name: 'response-not-ended',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} has ${facts.stream?.http?.responseStarted ? 'not ended its answer' : 'not answered'}${unsent(facts)}; ${howItEnded(facts)}.`,
  fix: () => `End the response on every path, also when the request is aborted ('close' on the request tells).`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/response-not-ended.md',
};
