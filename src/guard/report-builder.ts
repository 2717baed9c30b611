import { fact } from '../base/fact.js';
import { tcpStateName } from '../base/tcp-states.js';
import type { LeakReport } from '../leaks/report.js';
import { sentencesFor } from '../leaks/sentences.js';
import type { Suspect } from '../sockets/suspect.js';
import type { LeakFacts } from './leak-facts.js';

/** Puts what is known of a socket into a report: its sentences, and its facts as plain data. */
export function buildReport(
  facts: LeakFacts,
  suspect: Suspect,
  { ageMs, idleMs }: { readonly ageMs: number; readonly idleMs: number },
  holder: number | undefined,
): LeakReport {
  const { kind, cause, side, server, method, route, destination, requestedBy, stack, stream, endpoints } = facts;
  const { unreadKernelBytes, unreadStreamBytes, unsentBytes } = facts;
  const circumstances = {
    ...{ kind, side, server, method, route, destination, requestedBy, ageMs, idleMs },
    ...{ unreadKernelBytes, unreadStreamBytes, unsentBytes },
    peer: facts.peer,
    contentLength: stream?.http?.contentLength,
    answerStarted: stream?.http?.answerStarted ?? false,
    aborted: suspect.aborted,
    openedAt: stack?.split('\n', 1)[0],
    upgraded: side === 'inbound' && stream?.http !== undefined && !stream.readByHttp,
    leftToClientErrorListener: stream?.leftToClientErrorListener ?? false,
    pid: holder,
    fd: suspect.fd,
  };
  const { explanation, fix } =
    fact(() => sentencesFor(cause, circumstances), undefined) ??
    sentencesFor('unknown', { ...circumstances, server: undefined, route: undefined, destination: undefined });
  return {
    id: suspect.cookie.toString(),
    kind,
    cause,
    explanation,
    fix,
    side,
    fd: suspect.fd,
    state: tcpStateName(suspect.record.state),
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
