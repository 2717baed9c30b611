import type { LeakReport } from '../../leaks/report.js';

/**
 * Whether a socket that is still there at the deadline is a leak: it made no progress (bytes read, bytes acknowledged, a
 * state change) in the second half. The last thing that an application reads of a socket it then leaks, it often reads
 * right after the first sample, so the first half does not count; what makes progress later is being worked on.
 */
export function wasIdleAtDeadline({ idleMs }: Pick<LeakReport, 'idleMs'>, deadlineMs: number): boolean {
  return idleMs >= deadlineMs / 2;
}

/**
 * Whether a socket can be a leak at all. A full receive window alone makes none: the peer may be there, and wait for the
 * application. That a peer on this host has closed is known: its FIN is on the way (`awaitingFin`, ids of sockets).
 */
export function isSuspect({ kind, id }: Pick<LeakReport, 'kind' | 'id'>, awaitingFin: ReadonlySet<string>): boolean {
  return kind !== 'stalled' || awaitingFin.has(id);
}
