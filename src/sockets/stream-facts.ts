import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpFacts, StreamFacts } from './facts.js';
import {
  endIsBuffered,
  httpMessageOf,
  isPausedByPipelining,
  isReadByHttp,
  isServerResponse,
  requestedHostOf,
  requestOf,
  responseOf,
} from './node-internals.js';
import { notesOf, tlsSocketOf } from './notes.js';
import type { Side } from './announcements.js';

/**
 * Bytes that have left the kernel and wait in JS for the application: in the socket's own buffer, the TLS socket's above
 * it, and the HTTP message's. When this falls, the application is reading.
 */
export function bufferedBytes(socket: Socket): number {
  const tls = tlsSocketOf(socket);
  const top = tls ?? socket;
  return socket.readableLength + (tls?.readableLength ?? 0) + (messageBeingRead(top)?.readableLength ?? 0);
}

/** What the streams above an fd say now. Property reads only. */
export function streamFactsOf(raw: Socket, side: Side): StreamFacts {
  const socket = tlsSocketOf(raw) ?? raw;
  return {
    readableFlowing: socket.readableFlowing,
    readableEnded: socket.readableEnded,
    endBuffered: endIsBuffered(socket) ?? socket.readableEnded,
    hasReadableListener: socket.listenerCount('readable') > 0,
    writableEnded: socket.writableEnded,
    writableLength: socket.writableLength,
    destroyed: socket.destroyed,
    allowHalfOpen: socket.allowHalfOpen,
    pausedByPipelining: isPausedByPipelining(socket),
    bytesRead: raw.bytesRead,
    readByHttp: isReadByHttp(socket),
    tls: socket !== raw,
    http: httpFactsOf(socket, side),
  };
}

function messageBeingRead(socket: Socket): IncomingMessage | undefined {
  const message = httpMessageOf(socket);
  return message === undefined ? undefined : isServerResponse(message) ? requestOf(message) : responseOf(message);
}

function httpFactsOf(socket: Socket, side: Side): HttpFacts | undefined {
  const notes = notesOf(socket);
  const message = httpMessageOf(socket);
  if (isServerResponse(message)) {
    const request = requestOf(message);
    return {
      role: 'server',
      method: request?.method,
      url: request?.url,
      route: notes?.url === request?.url ? notes?.route : undefined,
      origin: undefined,
      bodyComplete: request?.complete ?? true,
      bodyBuffered: request?.readableLength ?? 0,
      contentLength: contentLengthOf(request),
      answering: true,
      answerStarted: message.headersSent,
      answerEnded: message.writableEnded,
    };
  }
  if (message !== undefined && side !== 'inbound') {
    const response = responseOf(message);
    const { method, path, protocol } = message as { method?: string; path?: string; protocol?: string };
    const host = hostHeaderOf(message);
    return {
      role: 'client',
      method,
      url: path,
      route: undefined,
      origin: host === undefined ? undefined : `${protocol ?? 'http:'}//${host}`,
      bodyComplete: response === undefined || response.readableEnded,
      bodyBuffered: response?.readableLength ?? 0,
      contentLength: contentLengthOf(response),
      answering: response !== undefined,
      answerStarted: response !== undefined,
      answerEnded: response?.readableEnded ?? false,
    };
  }
  if (!notes) return undefined;
  return {
    role: side === 'inbound' ? 'server' : 'client',
    method: notes.method,
    url: notes.url,
    route: notes.route,
    origin: notes.origin,
    bodyComplete: !notes.responseOpen,
    bodyBuffered: 0,
    contentLength: undefined,
    answering: notes.responseOpen,
    answerStarted: notes.responseOpen,
    answerEnded: !notes.responseOpen,
  };
}

function hostHeaderOf(clientRequest: unknown): string | undefined {
  const { getHeader } = clientRequest as { getHeader?: (name: string) => unknown };
  const host = typeof getHeader === 'function' ? getHeader.call(clientRequest, 'host') : undefined;
  return typeof host === 'string' ? host : undefined;
}

function contentLengthOf(message: IncomingMessage | undefined): number | undefined {
  const length = Number(message?.headers['content-length']);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

/** `host:port` a client socket was asked for; the report's fallback is the remote address. */
export function destinationHostOf(socket: Socket): string | undefined {
  return requestedHostOf(tlsSocketOf(socket) ?? socket);
}
