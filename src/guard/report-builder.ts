import { fact } from '../base/fact.js';
import { diagnose } from '../leaks/diagnosis.js';
import type { LeakFacts } from '../leaks/facts.js';
import type { LeakReport } from '../leaks/report.js';
import { sentencesFor } from '../leaks/sentences.js';
import type { Fingerprinted } from './fingerprint.js';

/** What a report says of all leaks that are equal to it. */
export interface Equal {
  readonly fingerprint: string;
  readonly count: number;
}

/**
 * Lays what is known of a socket into a report, as plain data, with the cause and its two sentences. In one literal: put together of
 * parts, each report would be an object of a class of its own to V8.
 */
export function buildReport(facts: LeakFacts, equalTo: (leak: Fingerprinted) => Equal): LeakReport {
  const cause = diagnose(facts);
  const { reason, explanation, fix } =
    fact(() => sentencesFor(cause, facts), undefined) ??
    sentencesFor('unknown', { ...facts, server: undefined, route: undefined, destination: undefined });
  const { ageMs, idleMs, endpoints, side, server, method, route, destination, requestedBy } = facts;
  const { fingerprint, count } = equalTo({ cause, reason, side, server, method, route, destination, requestedBy });
  return {
    id: facts.cookie.toString(),
    kind: facts.kind,
    cause,
    fingerprint,
    count,
    reason,
    explanation,
    fix,
    side,
    framework: facts.framework,
    fd: facts.fd,
    state: facts.state,
    server,
    method,
    route,
    path: facts.path,
    registeredAt: facts.registeredAt,
    destination,
    traceId: facts.ids?.traceId,
    spanId: facts.ids?.spanId,
    traceFlags: facts.ids?.traceFlags,
    requestId: facts.ids?.requestId,
    requestedBy,
    localAddress: endpoints.localAddress,
    localPort: endpoints.localPort,
    remoteAddress: endpoints.remoteAddress,
    remotePort: endpoints.remotePort,
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
