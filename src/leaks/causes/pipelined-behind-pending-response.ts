import { howItEnded, capitalisedSubject, unsent } from '../phrases.js';
import type { Cause } from './cause.js';

export const pipelinedBehindPendingResponse: Cause<'pipelined-behind-pending-response'> = {
  name: 'pipelined-behind-pending-response',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} holds back the answers of later requests on the same connection${unsent(facts)}; ${howItEnded(facts)}.`,
  fix: () => `End the first response on every path; those behind it are sent and the socket closes.`,
  reproduction: { by: 'nothing', because: 'it takes several requests, of which the report names one' },
  docs: 'docs/causes/pipelined-behind-pending-response.md',
};
