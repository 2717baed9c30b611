import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { asLeak } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { waitUntil } from '../check/wait.js';

/** How long after the last run a server of others may take to close, ms; one that takes longer is not seen. */
const GRACE_MS = 250;

/**
 * Half-closed or reset connections that handlers opened. A full window alone is no leak: the peer may be there, and wait
 * for the application; one on this host that has closed is known.
 */
function suspectsOf(guard: Guard, before: ReadonlySet<string>): LeakReport[] {
  const awaitingFin = internalsOf(guard).socketsAwaitingFin();
  return guard
    .sockets()
    .filter(
      ({ side, kind, id }) => side === 'outbound' && !before.has(id) && (kind !== 'stalled' || awaitingFin.has(id)),
    )
    .map(asLeak);
}

/** Connections of handlers that their server has ended and nobody closes within `deadlineMs`, without those of `before`. */
export async function outboundLeaks(
  guard: Guard,
  before: ReadonlySet<string>,
  deadlineMs: number,
): Promise<LeakReport[]> {
  let seen: LeakReport[] = [];
  // A handler that has answered may still be connecting, and its server has to close first.
  await waitUntil(() => suspectsOf(guard, before).length > 0, Math.min(deadlineMs, GRACE_MS));
  await waitUntil(() => {
    seen = suspectsOf(guard, before);
    return seen.length === 0;
  }, deadlineMs);
  // As in a search: what was read in the second half of the deadline is being worked on.
  return seen.filter(({ idleMs }) => idleMs >= deadlineMs / 2);
}

/** Ids of what has left already, so that it is not charged to what comes. */
export function idsOf(guard: Guard): ReadonlySet<string> {
  const ids = new Set<string>();
  // Twice: the first look finds sockets that were opened before anybody listened, and the second whether they are stalled.
  for (let look = 0; look < 2; look++) for (const { id } of guard.sockets()) ids.add(id);
  return ids;
}
