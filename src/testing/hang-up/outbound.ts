import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { asLeak } from '../../guard/observer.js';
import { notesOf } from '../../layers/notes.js';
import { originOfSocket } from '../../layers/stack.js';
import type { LeakReport } from '../../leaks/report.js';
import { isSuspect, wasIdleAtDeadline } from '../check/leak-rule.js';
import { waitUntil } from '../check/wait.js';
import type { Handled } from './handled.js';

/** How long after the last request the server of such a connection may take to close it, ms. What closes later is not found. */
const GRACE_MS = 250;

type IsCounted = (leak: LeakReport) => boolean;

/** Half-closed, reset or stalled connections that handlers opened. */
function suspectsOf(guard: Guard, isCounted: IsCounted): LeakReport[] {
  const awaitingFin = internalsOf(guard).socketsAwaitingFin();
  return guard
    .sockets()
    .map(asLeak)
    .filter((report) => report.side === 'outbound' && isSuspect(report, awaitingFin) && isCounted(report));
}

/** Connections of handlers that their server has ended and nobody closes within `deadlineMs` from then on. */
export async function outboundLeaks(guard: Guard, isCounted: IsCounted, deadlineMs: number): Promise<LeakReport[]> {
  let suspects: LeakReport[] = [];
  // A handler that has answered may still be connecting, and its server has to close first.
  await waitUntil(() => suspectsOf(guard, isCounted).length > 0, Math.min(deadlineMs, GRACE_MS));
  await waitUntil(() => {
    suspects = suspectsOf(guard, isCounted);
    // It may have stood still for long, while others were waited for.
    return suspects.every(({ idleMs }) => idleMs >= deadlineMs);
  }, deadlineMs);
  return suspects.filter((report) => wasIdleAtDeadline(report, deadlineMs));
}

export interface OutboundSearch {
  /** See {@link idsOf}. */
  readonly before: ReadonlySet<string>;
  /** Whether what the handler has asked for is still coming. */
  readonly isUnderWay: () => boolean;
  readonly deadlineMs: number;
}

/** {@link outboundLeaks} of the handler of one request of ours. */
export async function outboundLeakOf(
  guard: Guard,
  { socket }: Handled,
  { before, isUnderWay, deadlineMs }: OutboundSearch,
): Promise<LeakReport | undefined> {
  const request = notesOf(socket)?.request;
  const isIts = ({ id }: LeakReport): boolean => {
    const outbound = internalsOf(guard).socketOf(id);
    return !before.has(id) && outbound !== undefined && originOfSocket(outbound)?.requestedBy === request;
  };
  await waitUntil(() => !isUnderWay() || suspectsOf(guard, isIts).length > 0, deadlineMs);
  const [leak] = request === undefined ? [] : await outboundLeaks(guard, isIts, deadlineMs);
  return leak;
}

/** Ids of the sockets that are half-closed, reset or stalled before a request is made: they are no leaks of its. */
export function idsOf(guard: Guard): ReadonlySet<string> {
  const ids = new Set<string>();
  // Two samples: the first finds sockets that were opened before the guard was made, the second whether they are stalled.
  for (let sample = 0; sample < 2; sample++) for (const { id } of guard.sockets()) ids.add(id);
  return ids;
}
