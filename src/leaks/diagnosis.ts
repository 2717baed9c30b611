import type { Side } from '../sockets/announcements.js';
import type { StreamFacts } from '../sockets/facts.js';
import type { LeakCause, LeakKind } from './report.js';

/** Everything the cause is decided from: plain data, so that a table can test it. */
export interface DiagnosisFacts {
  readonly kind: LeakKind;
  readonly side: Side;
  /** A JS socket was announced for this fd and has let go of it. */
  readonly detached: boolean;
  readonly stream: StreamFacts | undefined;
  readonly unreadKernelBytes: number;
  readonly unreadStreamBytes: number;
  /** Kernel send queue and stream buffer. */
  readonly unsentBytes: number;
}

/** Names why a socket leaked, from facts alone. What the facts do not tell is `unknown`, never a guess. */
export function diagnose(facts: DiagnosisFacts): LeakCause {
  const { stream } = facts;
  if (stream === undefined) return facts.detached ? 'detached-handle' : 'unknown';
  return httpCause(stream) ?? streamCause(facts, stream);
}

/** HTTP knows better than the socket under it: http itself pauses and resumes that socket. */
function httpCause(stream: StreamFacts): LeakCause | undefined {
  const { http } = stream;
  if (http === undefined) return undefined;
  if (http.role === 'client') {
    return http.answering && !http.bodyComplete ? 'response-body-not-read' : undefined;
  }
  if (!http.answering || http.answerEnded) return undefined;
  if (!http.bodyComplete) return 'request-body-not-read';
  return undefined;
}

function streamCause(facts: DiagnosisFacts, stream: StreamFacts): LeakCause {
  if (stream.pausedByPipelining || stream.http?.answering) return 'unknown';
  if (stream.readableEnded || (stream.endBuffered && facts.unreadStreamBytes === 0 && stream.readableFlowing === true)) {
    return stream.writableEnded ? 'unknown' : 'half-open-not-ended';
  }
  if (stream.readableFlowing === null && !stream.hasReadableListener) return 'never-read';
  if (stream.readableFlowing === false) return 'paused';
  return 'unknown';
}
