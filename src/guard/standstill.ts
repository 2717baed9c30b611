import type { Socket } from 'node:net';
import {
  booleanProperty,
  countProperty,
  http2SessionOf,
  isReadByHttp,
  listenersOf,
  pipesOf,
} from '../layers/node-internals.js';
import { notesOf, tlsSocketOf } from '../layers/notes.js';
import { messageBeingRead } from '../layers/stack.js';
import type { LeakFacts } from './leak-facts.js';

/**
 * Whether it can be shown that nobody will go on reading this socket. Kernel and socket show no progress of a slow reader
 * that has its bytes in a buffer above them (undici's body, node-fetch's stream, a TLSSocket over a proxy, what a stream is
 * piped to): to end such a socket would cut a healthy transfer. Where the reader cannot be seen the answer is no.
 */
export function readerStandsStill({ side, stream }: LeakFacts, raw: Socket): boolean {
  const socket = tlsSocketOf(raw) ?? raw;
  // http2 takes all that comes, whatever its streams' readers do: what waits in the kernel waits for the session itself.
  if (http2SessionOf(socket)) return true;
  const message = messageBeingRead(socket);
  // Whatever it is piped to may still take it.
  if (pipesOf(socket) + pipesOf(message) > 0) return false;
  if (isReadOutOfSight(socket, side)) return false;
  if (side !== 'outbound') return true;
  if (message) return hasNoReader(message) || booleanProperty(message, 'readableEnded') === true;
  // A request of undici or fetch, whose body is out of reach.
  if (stream?.http?.answering) return false;
  return stream?.readableEnded === true || hasNoReader(socket);
}

function hasNoReader(stream: object): boolean {
  return listenersOf(stream, 'data') + listenersOf(stream, 'readable') + pipesOf(stream) === 0;
}

/**
 * Bytes have been taken from the socket and no reader is there: something reads its handle natively, as TLS does that was
 * put on a connected socket. Of inbound sockets http may have read them, before the application got the socket.
 */
function isReadOutOfSight(socket: Socket, side: LeakFacts['side']): boolean {
  if (isReadByHttp(socket) || (side === 'inbound' && notesOf(socket)?.request)) return false;
  const taken = countProperty(socket, 'bytesRead') - countProperty(socket, 'readableLength');
  return taken > 0 && booleanProperty(socket, 'readableFlowing') === undefined && hasNoReader(socket);
}
