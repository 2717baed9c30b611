import { howItEnded, capitalisedSubject, unread } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const heldByAnotherProcess: Cause<'held-by-another-process'> = {
  name: 'held-by-another-process',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} is closed here and still open in ${facts.holderPid === undefined ? 'another process' : `process ${facts.holderPid}`}${unread(facts)}; ${howItEnded(facts)}.`,
  fix: () =>
    `Close it in the process that holds it; a socket given to a child as stdio or with child.send(…, { keepOpen: true }) stays open there.`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/held-by-another-process.md',
};
