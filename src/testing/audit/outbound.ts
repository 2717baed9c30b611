import type { Guard } from '../../guard.js';
import type { LeakReport } from '../../leaks/report.js';
import { waitUntil } from '../patience.js';

/** Half-closed or reset connections that handlers opened; a stalled one's peer may be there, and wait for the application. */
function suspectsOf(guard: Guard, before: ReadonlySet<string>): LeakReport[] {
  return guard
    .sockets()
    .filter(({ side, kind, id }) => side === 'outbound' && kind !== 'stalled' && !before.has(id))
    .map(({ leaked: _leaked, ...report }) => report);
}

/** Connections of handlers that their server has ended and nobody closes within `deadlineMs`, without those of `before`. */
export async function outboundLeaks(
  guard: Guard,
  before: ReadonlySet<string>,
  deadlineMs: number,
): Promise<LeakReport[]> {
  let seen: LeakReport[] = [];
  await waitUntil(() => {
    seen = suspectsOf(guard, before);
    return seen.length === 0;
  }, deadlineMs);
  // As in a search: what was read in the second half of the deadline is being worked on.
  return seen.filter(({ idleMs }) => idleMs >= deadlineMs / 2);
}
