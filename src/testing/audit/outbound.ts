import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { asLeak } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { isSuspect, wasIdleAtDeadline } from '../check/leak-rule.js';
import { waitUntil } from '../check/wait.js';

/** How long after the last run the server of such a connection may take to close it, ms. What closes later is not found. */
const GRACE_MS = 250;

/** Half-closed, reset or stalled connections that handlers opened. */
function suspectsOf(guard: Guard, before: ReadonlySet<string>): LeakReport[] {
  const awaitingFin = internalsOf(guard).socketsAwaitingFin();
  return guard
    .sockets()
    .map(asLeak)
    .filter((report) => report.side === 'outbound' && !before.has(report.id) && isSuspect(report, awaitingFin));
}

/** Connections of handlers that their server has ended and nobody closes within `deadlineMs`, without those of `before`. */
export async function outboundLeaks(
  guard: Guard,
  before: ReadonlySet<string>,
  deadlineMs: number,
): Promise<LeakReport[]> {
  let suspects: LeakReport[] = [];
  // A handler that has answered may still be connecting, and its server has to close first.
  await waitUntil(() => suspectsOf(guard, before).length > 0, Math.min(deadlineMs, GRACE_MS));
  await waitUntil(() => {
    suspects = suspectsOf(guard, before);
    return suspects.length === 0;
  }, deadlineMs);
  return suspects.filter((report) => wasIdleAtDeadline(report, deadlineMs));
}

/** Ids of the sockets that are half-closed, reset or stalled before the audit begins: they are none of its leaks. */
export function idsOf(guard: Guard): ReadonlySet<string> {
  const ids = new Set<string>();
  // Two samples: the first finds sockets that were opened before the guard was made, the second whether they are stalled.
  for (let sample = 0; sample < 2; sample++) for (const { id } of guard.sockets()) ids.add(id);
  return ids;
}
