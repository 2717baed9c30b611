import { capitalisedSubject, ending, unsent } from '../phrases.js';
import type { Cause } from './cause.js';

export const writeStalled: Cause<'write-stalled'> = {
  name: 'write-stalled',
  explanation: (facts) => {
    const { http } = facts.stream ?? {};
    const waits = http?.responding && !http.responseEnded;
    return `${capitalisedSubject(facts)} ${waits ? 'waits' : 'was ended'} with bytes that the peer does not take${unsent(facts)}; ${ending(facts)}.`;
  },
  fix: ({ limitResponse }) => `Give up on a peer that has stopped reading: ${limitResponse}.`,
  reproduction: { by: 'request', leavesAt: 'mid-response', readsOn: false },
  docs: 'docs/causes/write-stalled.md',
};
