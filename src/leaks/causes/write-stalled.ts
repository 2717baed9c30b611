import type { LeakFacts } from '../facts.js';
import { capitalisedSubject, ending, subject, unsent } from '../phrases.js';
import type { Cause } from './cause.js';

export const writeStalled: Cause<'write-stalled'> = {
  name: 'write-stalled',
  explanation: (facts) => `${whatWaits(facts)}${unsent(facts)}; ${ending(facts)}.`,
  fix: ({ limitResponse }, { stream }) =>
    `Give up on a peer that has stopped reading: ${stream?.http?.moreStreams === undefined ? limitResponse : 'session.setTimeout(ms, () => session.destroy())'}.`,
  reproduction: { by: 'request', leavesAt: 'mid-response', readsOn: false },
  docs: 'docs/causes/write-stalled.md',
};

function whatWaits(facts: LeakFacts): string {
  const { http } = facts.stream ?? {};
  if (http?.role === 'client') return `${capitalisedSubject(facts)} waits for the server to take its bytes`;
  if (http === undefined) return `${capitalisedSubject(facts)} was ended, and the peer does not take its last bytes`;
  return http.responding && !http.responseEnded
    ? `The response to ${subject(facts)} waits for the client to take its bytes`
    : `The response to ${subject(facts)} was ended, and the client does not take its last bytes`;
}
