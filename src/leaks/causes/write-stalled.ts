import type { LeakFacts } from '../facts.js';
import { capitalisedSubject, ending, subject, unsent } from '../phrases.js';
import type { Cause } from './cause.js';

export const writeStalled: Cause<'write-stalled'> = {
  name: 'write-stalled',
  explanation: (facts) => `${whatWaits(facts)}${unsent(facts)}; ${ending(facts)}.`,
  fix: ({ limitResponse, limitConnection }, facts) =>
    `Give up on a peer that has stopped reading: ${isOfHttp(facts) ? limitResponse : limitConnection}.`,
  reproduction: { by: 'request', leavesAt: 'mid-response', readsOn: false },
  docs: 'docs/causes/write-stalled.md',
};

/** Not where http has given the connection to the application, which knows it as a socket or a WebSocket. */
function isOfHttp({ stream }: LeakFacts): boolean {
  const { http, webSocket } = stream ?? {};
  if (http === undefined || webSocket !== undefined) return false;
  return http.role === 'client' || http.responding || stream?.readByHttp === true;
}

function whatWaits(facts: LeakFacts): string {
  const { http, webSocket } = facts.stream ?? {};
  if (http === undefined || webSocket !== undefined)
    return `${capitalisedSubject(facts)} was ended, and the peer does not take its last bytes`;
  if (!isOfHttp(facts))
    return `The connection of ${subject(facts)} was ended, and the client does not take its last bytes`;
  if (http.role === 'client') return `${capitalisedSubject(facts)} waits for the server to take its bytes`;
  return http.responding && !http.responseEnded
    ? `The response to ${subject(facts)} waits for the client to take its bytes`
    : `The response to ${subject(facts)} was ended, and the client does not take its last bytes`;
}
