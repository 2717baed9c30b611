import { capitalisedSubject, ending, unsent } from '../phrases.js';
import type { LeakFacts } from '../facts.js';
import type { Cause } from './cause.js';

export const pipelinedBehindPendingResponse: Cause<'pipelined-behind-pending-response'> = {
  name: 'pipelined-behind-pending-response',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} has not ${facts.stream?.http?.responseStarted ? 'ended its response' : 'been answered'}${unsent(facts)}, and holds back ${behind(facts)}; ${ending(facts)}.`,
  fix: ({ endResponse }) => `End the first response on every path: ${endResponse}.`,
  reproduction: { by: 'nothing', because: 'it takes several requests, of which the report names one' },
  docs: 'docs/causes/pipelined-behind-pending-response.md',
};

function behind({ stream }: LeakFacts): string {
  const last = stream?.http?.lastPipelined;
  return `the responses to later requests of the same connection${last === undefined ? '' : `, the last of them ${last}`}`;
}
