import type { Side } from '../base/vocabulary.js';
import type { LeakCause, LeakKind } from '../base/vocabulary.js';
import type { StreamFacts } from '../layers/facts.js';

/** Everything the cause is decided from: plain data, so that a table can test it. */
export interface DiagnosisFacts {
  readonly kind: LeakKind;
  readonly side: Side;
  /** A JS socket of this thread has this fd. */
  readonly owned: boolean;
  /** No JS socket has this fd, and one of this thread had it before. */
  readonly detached: boolean;
  /** Only another process holds it. */
  readonly foreign: boolean;
  readonly stream: StreamFacts | undefined;
  readonly unreadKernelBytes: number;
  readonly unreadStreamBytes: number;
  /** Kernel send queue and stream buffer. */
  readonly unsentBytes: number;
}

/** Names why a socket leaked, from facts alone. What the facts do not tell is `unknown`, never a guess. */
export function diagnose(facts: DiagnosisFacts): LeakCause {
  const { stream } = facts;
  if (facts.foreign) return 'held-by-another-process';
  // Its stream cannot be read at all.
  if (stream === undefined && facts.owned) return 'unknown';
  if (stream === undefined) return facts.detached ? 'detached-handle' : 'not-owned-by-this-thread';
  return httpCause(facts, stream) ?? streamCause(facts, stream);
}

/** HTTP knows better than the socket under it: http itself pauses and resumes that socket. */
function httpCause(
  { unreadKernelBytes, unreadStreamBytes }: DiagnosisFacts,
  stream: StreamFacts,
): LeakCause | undefined {
  const { http } = stream;
  if (stream.pausedByPipelining) return 'pipelined-behind-pending-response';
  if (http === undefined) return undefined;
  if (http.role === 'client') return http.answering && !http.bodyComplete ? 'response-body-not-read' : undefined;
  if (http.answering && !http.answerEnded) return http.bodyComplete ? 'response-not-ended' : 'request-body-not-read';
  const unread = unreadKernelBytes + unreadStreamBytes > 0 || stream.endBuffered !== stream.readableEnded;
  const bodyLeft = unread || !http.bodyComplete;
  return !http.answering && stream.readByHttp && bodyLeft ? 'request-body-abandoned' : undefined;
}

function streamCause({ unsentBytes, unreadStreamBytes }: DiagnosisFacts, stream: StreamFacts): LeakCause {
  const readToItsEnd =
    stream.readableEnded || (stream.endBuffered && unreadStreamBytes === 0 && stream.readableFlowing === true);
  if (stream.writableEnded && unsentBytes > 0 && readToItsEnd) return 'write-stalled';
  if (readToItsEnd) return stream.writableEnded ? 'unknown' : 'half-open-not-ended';
  if (stream.readableFlowing === null && !stream.hasReadableListener) return 'never-read';
  return stream.readableFlowing === false ? 'paused' : 'unknown';
}
