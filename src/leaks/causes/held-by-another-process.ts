import type { LeakFacts } from '../facts.js';
import { howItEnded, capitalisedSubject, unread } from '../phrases.js';
import { processName } from '../processes.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const heldByAnotherProcess: Cause<'held-by-another-process'> = {
  name: 'held-by-another-process',
  explanation: (facts) => `${capitalisedSubject(facts)} ${where(facts)}${unread(facts)}; ${howItEnded(facts)}.`,
  fix: ({ destroyConnection }, { transferred }) => {
    if (transferred === undefined)
      return `Close it in the process that holds it; a socket given to a child as stdio or with child.send(…, { keepOpen: true }) stays open there.`;
    const there = processName(transferred.process);
    return transferred.as === 'stdio'
      ? `Give ${there} 'pipe' in its stdio in place of the socket, join the two with child.stdout.pipe(socket.resume()), and call child.kill() in the socket's 'close' listener: what a child has as stdio is open until it ends.`
      : `Read the socket in ${there}, or call ${destroyConnection} there: here it is gone, and nothing more can be done with it.`;
  },
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/held-by-another-process.md',
};

function where({ transferred, holder }: LeakFacts): string {
  if (transferred === undefined)
    return `is closed here and still open in ${holder === undefined ? 'another process' : processName(holder)}`;
  const given = transferred.as === 'stdio' ? 'given as stdio to' : 'sent to';
  return `was ${given} ${processName(transferred.process)}, closed here, and is still open there`;
}
