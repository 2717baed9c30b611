import { ending, capitalisedSubject, unread, unsent } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const unknown: Cause<'unknown'> = {
  name: 'unknown',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} is still open in this process${unread(facts)}${unsent(facts)}; ${ending(facts)}.`,
  fix: ({ destroyConnection }) =>
    `Destroy the socket when its peer leaves: ${destroyConnection} in its 'end', 'close' or time-out handling.`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/unknown.md',
};
