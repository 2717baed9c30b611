import type { LeakCause } from '../base/vocabulary.js';
import type { StreamFacts } from '../layers/facts.js';
import type { LeakFacts } from './facts.js';

/** Names why a socket leaked, from facts alone. What the facts do not tell is `unknown`, never a guess. */
export function diagnose(facts: LeakFacts): LeakCause {
  const { heldBy, stream } = facts;
  if (heldBy === 'other-process') return 'held-by-another-process';
  if (heldBy === 'lost-socket') return 'detached-handle';
  if (heldBy === 'unknown') return 'not-owned-by-this-thread';
  // The properties of the JS socket cannot be read.
  if (stream === undefined) return 'unknown';
  return httpCause(facts, stream) ?? streamCause(facts, stream);
}

/** Asked before the stream's own state: http itself pauses and resumes the socket below it. */
function httpCause({ unreadKernelBytes, unreadStreamBytes }: LeakFacts, stream: StreamFacts): LeakCause | undefined {
  const { http } = stream;
  if (stream.pausedByPipelining) return 'pipelined-behind-pending-response';
  if (http === undefined) return undefined;
  if (http.role === 'client') return http.answering && !http.bodyComplete ? 'response-body-not-read' : undefined;
  if (http.answering && !http.answerEnded) return http.bodyComplete ? 'response-not-ended' : 'request-body-not-read';
  const unread = unreadKernelBytes + unreadStreamBytes > 0 || stream.endBuffered !== stream.readableEnded;
  const bodyLeft = unread || !http.bodyComplete;
  return !http.answering && stream.readByHttp && bodyLeft ? 'request-body-abandoned' : undefined;
}

function streamCause({ unsentBytes, unreadStreamBytes }: LeakFacts, stream: StreamFacts): LeakCause {
  const readToItsEnd =
    stream.readableEnded || (stream.endBuffered && unreadStreamBytes === 0 && stream.readableFlowing === true);
  if (stream.writableEnded && unsentBytes > 0 && readToItsEnd) return 'write-stalled';
  if (readToItsEnd) return stream.writableEnded ? 'unknown' : 'half-open-not-ended';
  if (stream.readableFlowing === null && !stream.hasReadableListener) return 'never-read';
  return stream.readableFlowing === false ? 'paused' : 'unknown';
}
