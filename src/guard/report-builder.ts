import { fact } from '../base/fact.js';
import { tcpStateName } from '../base/tcp-states.js';
import type { Departed } from '../layers/facts.js';
import type { LeakReport } from '../leaks/report.js';
import { sentencesFor } from '../leaks/sentences.js';
import type { TrackedSocket } from '../leaks/tracker.js';
import type { LeakFacts } from './leak-facts.js';

/** Puts what is known of a socket into a report: its sentences, and its facts as plain data. */
export function buildReport(
  facts: LeakFacts,
  departed: Departed,
  tracked: Pick<TrackedSocket, 'ageMs' | 'idleMs'>,
  holder: number | undefined,
): LeakReport {
  const { kind, cause, side, server, method, route, destination, requestedBy, stack, stream, endpoints } = facts;
  const { unreadKernelBytes, unreadStreamBytes, unsentBytes } = facts;
  const { ageMs, idleMs } = tracked;
  const circumstances = {
    ...{ kind, side, server, method, route, destination, requestedBy, ageMs, idleMs },
    ...{ unreadKernelBytes, unreadStreamBytes, unsentBytes },
    peer: facts.peer,
    contentLength: stream?.http?.contentLength,
    answerStarted: stream?.http?.answerStarted ?? false,
    aborted: departed.aborted,
    openedAt: stack?.split('\n', 1)[0],
    upgraded: side === 'inbound' && stream?.http !== undefined && !stream.readByHttp,
    leftToClientErrorListener: stream?.leftToClientErrorListener ?? false,
    pid: holder,
    fd: departed.fd,
  };
  const { explanation, fix } =
    fact(() => sentencesFor(cause, circumstances), undefined) ??
    sentencesFor('unknown', { ...circumstances, server: undefined, route: undefined, destination: undefined });
  return {
    id: departed.cookie.toString(),
    kind,
    cause,
    explanation,
    fix,
    side,
    fd: departed.fd,
    state: tcpStateName(departed.record.state),
    server,
    method,
    route,
    destination,
    requestedBy,
    ...endpoints,
    ageMs: Math.round(ageMs),
    idleMs: Math.round(Math.min(idleMs, ageMs)),
    unreadKernelBytes,
    unreadStreamBytes,
    unsentBytes,
    stack,
  };
}
