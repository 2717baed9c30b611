import type { Socket } from 'node:net';
import { booleanProperty, isReadByHttp } from '../layers/node-internals.js';
import { notesOf } from '../layers/notes.js';
import { layersOf } from '../layers/stack.js';
import { hasReader, type StreamLayer } from '../layers/stream.js';
import { topSocketOf } from '../layers/tls.js';
import type { LeakFacts } from './leak-facts.js';

/**
 * Whether it can be shown that nobody will go on reading this socket. Kernel and socket show no progress of a slow reader
 * that has its bytes in a buffer above them (undici's body, node-fetch's stream, a TLSSocket over a proxy, what a stream is
 * piped to): to end such a socket would cut a healthy transfer. Where the reader cannot be seen the answer is no.
 */
export function readerStandsStill({ side }: Pick<LeakFacts, 'side'>, raw: Socket): boolean {
  const layers = layersOf(raw, side);
  const top = layers.at(-1);
  if (top?.name === 'http2') return true;
  // TLS that nothing leads to may have its bytes taken out of sight.
  if (layers.some((layer) => layer.name === 'tls' && layer.hasReader() === undefined)) return false;
  // What it is piped to may still take it.
  if (layers.some((layer) => layer.pipedTo().length > 0)) return false;
  if (isReadOutOfSight(topSocketOf(raw), side, layers[0])) return false;
  // The kernel shows the progress of those who read an inbound socket.
  if (side !== 'outbound') return top?.name !== 'websocket' || top.hasReader() !== undefined;
  // Of a request that has no message to read, the connection below tells.
  const reader = top?.name === 'http1' ? (top.hasReader() ?? hasReaderLeft(topSocketOf(raw))) : top?.hasReader();
  if (top?.name !== 'undici') return reader === false;
  // Nothing leads to the body of a response that is open.
  return reader === false && !hasReaderLeft(topSocketOf(raw));
}

function hasReaderLeft(socket: Socket): boolean {
  return booleanProperty(socket, 'readableEnded') !== true && hasReader(socket);
}

/**
 * Bytes have been taken from the socket and no reader is there: something reads its handle natively, as TLS does that was
 * put on a connected socket. Of inbound sockets http may have read them, before the application got the socket.
 */
function isReadOutOfSight(socket: Socket, side: LeakFacts['side'], stream: StreamLayer): boolean {
  if (isReadByHttp(socket) || (side === 'inbound' && notesOf(socket)?.request)) return false;
  return stream.takenBytes() > 0 && booleanProperty(socket, 'readableFlowing') === undefined && !hasReader(socket);
}
