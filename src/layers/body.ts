import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import { booleanProperty, countProperty, property, stringProperty } from './node-internals.js';

/**
 * Of a request's body, what has left its message; what it was piped to may hold it: all that its connection has brought, without the head and what still waits in the message.
 * Of other connections than these it is not known: one in clear, whose only request this is, with a content-length.
 */
export function takenOf(socket: Socket, request: IncomingMessage): number | undefined {
  if (booleanProperty(request, 'readableDidRead') === false) return 0;
  const declared = declaredLengthOf(request);
  if (booleanProperty(socket, 'encrypted') === true || declared === undefined) return undefined;
  // Something was written: perhaps the answer to an earlier request, whose bytes are counted too.
  if (countProperty(socket, 'bytesWritten') > 0) return undefined;
  const head = headLengthOf(request);
  if (head === undefined) return undefined;
  const came = Math.min(declared, countProperty(socket, 'bytesRead') - head);
  return Math.max(0, came - countProperty(request, 'readableLength'));
}

/** The content-length. */
export function declaredLengthOf(message: IncomingMessage | undefined): number | undefined {
  const length = Number(fact(() => message?.headers['content-length'], undefined));
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

/** As nearly everybody writes it: one space behind a colon. */
function headLengthOf(request: IncomingMessage): number | undefined {
  const raw = property(request, 'rawHeaders');
  const url = stringProperty(request, 'originalUrl') ?? stringProperty(request, 'url');
  const method = stringProperty(request, 'method');
  if (!Array.isArray(raw) || url === undefined || method === undefined) return undefined;
  const fields = raw.reduce<number>((sum, text) => sum + String(text).length + 2, 0);
  return `${method} ${url} HTTP/1.1\r\n`.length + fields + 2;
}
