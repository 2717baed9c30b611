import { fact } from '../base/fact.js';
import { diagnose } from '../leaks/diagnosis.js';
import type { LeakFacts } from '../leaks/facts.js';
import type { LeakReport } from '../leaks/report.js';
import { sentencesFor } from '../leaks/sentences.js';

/** What one socket's facts tell; the rest of a report is a matter of all leaks. */
export type SocketFacts = Omit<LeakReport, 'fingerprint' | 'count'>;

/** Lays what is known of a socket into a report, as plain data, with the cause and its two sentences. */
export function buildReport(facts: LeakFacts): SocketFacts {
  const cause = diagnose(facts);
  const { reason, explanation, fix } =
    fact(() => sentencesFor(cause, facts), undefined) ??
    sentencesFor('unknown', { ...facts, server: undefined, route: undefined, destination: undefined });
  const { ageMs, idleMs } = facts;
  return {
    id: facts.cookie.toString(),
    kind: facts.kind,
    cause,
    reason,
    explanation,
    fix,
    side: facts.side,
    framework: facts.framework,
    fd: facts.fd,
    state: facts.state,
    server: facts.server,
    method: facts.method,
    route: facts.route,
    path: facts.path,
    registeredAt: facts.registeredAt,
    destination: facts.destination,
    traceId: facts.ids?.traceId,
    spanId: facts.ids?.spanId,
    traceFlags: facts.ids?.traceFlags,
    requestId: facts.ids?.requestId,
    requestedBy: facts.requestedBy,
    ...facts.endpoints,
    ageMs: Math.round(ageMs),
    idleMs: Math.round(Math.min(idleMs, ageMs)),
    takenBytes: facts.takenBytes,
    declaredBytes: facts.declaredBytes,
    waitsFor: facts.waitsFor,
    endsInMs: facts.endsInMs === undefined ? undefined : Math.max(0, Math.round(facts.endsInMs)),
    unreadKernelBytes: facts.unreadKernelBytes,
    unreadStreamBytes: facts.unreadStreamBytes,
    unsentBytes: facts.unsentBytes,
    stack: facts.stack,
  };
}
