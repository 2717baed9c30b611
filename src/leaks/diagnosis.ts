import type { LeakCause } from '../base/vocabulary.js';
import type { HiddenTlsFacts, HttpFacts, StreamFacts } from '../layers/facts.js';
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
function httpCause(
  { unreadKernelBytes, unreadStreamBytes, unsentBytes }: LeakFacts,
  stream: StreamFacts,
): LeakCause | undefined {
  const { http } = stream;
  // @fastify/websocket leaves an open response on the socket of a WebSocket.
  if (stream.webSocket) return undefined;
  const isNotTaken = http !== undefined && waitsForItsPeer(http, unsentBytes);
  // Whatever waits behind a response that nobody takes, its own handler has done what it can.
  if (stream.pausedByPipelining && !isNotTaken) return 'pipelined-behind-pending-response';
  if (http === undefined) return undefined;
  // Nothing is read where an HTTP/2 session waits for its peer to take what it sends.
  if (http.role === 'client' && http.needsDrain && unsentBytes > 0) return 'write-stalled';
  if (http.role === 'client') return http.responding && !http.bodyComplete ? 'response-body-not-read' : undefined;
  if (isNotTaken) return 'write-stalled';
  if (http.responding && !http.responseEnded) return http.bodyComplete ? 'response-not-ended' : 'request-body-not-read';
  // http lets go of a response when its last byte is with the kernel.
  if (http.responding && unsentBytes > 0) return 'write-stalled';
  const unread = unreadKernelBytes + unreadStreamBytes > 0 || stream.endBuffered !== stream.readableEnded;
  const bodyLeft = unread || !http.bodyComplete;
  return !http.responding && stream.readByHttp && bodyLeft ? 'request-body-abandoned' : undefined;
}

/** Whoever writes the response waits for a peer that takes nothing: it has ended it, or would go on and end it. */
function waitsForItsPeer(
  { responding, bodyComplete, needsDrain, responseEnded }: HttpFacts,
  unsentBytes: number,
): boolean {
  return responding && bodyComplete && (needsDrain === true || responseEnded) && unsentBytes > 0;
}

function streamCause(facts: LeakFacts, stream: StreamFacts): LeakCause {
  if (stream.hiddenTls) return hiddenTlsCause(facts, stream.hiddenTls);
  if (isUntakenUpgrade(facts, stream)) return 'half-open-not-ended';
  const { unsentBytes, unreadStreamBytes } = facts;
  const readToItsEnd =
    stream.readableEnded || (stream.endBuffered && unreadStreamBytes === 0 && stream.readableFlowing === true);
  // What was written waits for a handshake that will not end: the peer is asked to take nothing.
  if (stream.secureConnecting && readToItsEnd) return 'half-open-not-ended';
  if (stream.writableEnded && unsentBytes > 0 && readToItsEnd) return 'write-stalled';
  if (readToItsEnd) return stream.writableEnded ? 'unknown' : 'half-open-not-ended';
  if (stream.readableFlowing === null && !stream.hasReadableListener)
    return stream.secureConnecting ? 'half-open-not-ended' : 'never-read';
  return stream.readableFlowing === false ? 'paused' : 'unknown';
}

/** http gave the socket away, and nobody has written to it or reads it: the same fault whether bytes came behind the request or not. */
function isUntakenUpgrade({ side }: LeakFacts, { http, readByHttp, written, hasReader }: StreamFacts): boolean {
  const given = side === 'inbound' && http !== undefined && !http.responding && !readByHttp;
  return given && !written && !hasReader;
}

/** TLS takes the FIN from the kernel behind the last byte, so where it reads and nothing is left there, the FIN was handed on. */
function hiddenTlsCause({ unreadKernelBytes, unsentBytes }: LeakFacts, tls: HiddenTlsFacts): LeakCause {
  if (!tls.reading || unreadKernelBytes > 0) return 'paused';
  if (tls.inHandshake || !tls.endsItself) return 'half-open-not-ended';
  // It would have been ended and closed, but for bytes that nobody takes from it, or that the peer does not take.
  return unsentBytes > 0 ? 'unknown' : 'paused';
}
