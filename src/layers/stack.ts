import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import type { Side } from '../base/vocabulary.js';
import type { HttpFacts, StreamFacts } from './facts.js';
import {
  booleanProperty,
  clientErrorIsHandledBy,
  countProperty,
  endIsBuffered,
  hostHeaderOf,
  httpMessageOf,
  isPausedByPipelining,
  isReadByHttp,
  isServerResponse,
  listenersOf,
  messageBeingParsed,
  requestedHostOf,
  requestOf,
  responseOf,
  serverOf,
  stringProperty,
} from './node-internals.js';
import { notesOf, originOf, tlsSocketOf, type Origin, type RequestNotes } from './notes.js';

/**
 * Bytes that have left the kernel and wait in JS for the application: in the socket's own buffer, the TLS socket's above
 * it, and the HTTP message's. When this falls, the application is reading.
 */
export function bufferedBytes(socket: Socket): number {
  const tls = tlsSocketOf(socket);
  const top = tls ?? socket;
  return [socket, tls, messageBeingRead(top)].reduce((sum, stream) => sum + countProperty(stream, 'readableLength'), 0);
}

/** What the streams above an fd say now. Property reads only. */
export function streamFactsOf(raw: Socket, side: Side): StreamFacts {
  const socket = tlsSocketOf(raw) ?? raw;
  const readByHttp = isReadByHttp(socket);
  const server = serverOf(socket) ?? serverOf(raw);
  const readableEnded = booleanProperty(socket, 'readableEnded') ?? false;
  return {
    readableFlowing: booleanProperty(socket, 'readableFlowing') ?? null,
    readableEnded,
    endBuffered: endIsBuffered(socket) ?? readableEnded,
    hasReadableListener: listenersOf(socket, 'readable') > 0,
    writableEnded: booleanProperty(socket, 'writableEnded') ?? false,
    writableLength: countProperty(socket, 'writableLength'),
    pausedByPipelining: isPausedByPipelining(socket),
    readByHttp,
    leftToClientErrorListener: readByHttp && server !== undefined && clientErrorIsHandledBy(server),
    http: httpFactsOf(socket, side),
  };
}

/** Where an outbound socket's request, or the socket itself, came from. */
export function originOfSocket(raw: Socket): Origin | undefined {
  const socket = tlsSocketOf(raw) ?? raw;
  const ofConnection = notesOf(socket)?.origin ?? notesOf(raw)?.origin;
  const ofRequest = originOf(httpMessageOf(socket));
  if (!ofRequest || ofRequest.stack !== undefined || ofRequest.requestedBy !== ofConnection?.requestedBy) {
    return ofRequest ?? ofConnection;
  }
  // Before Node 22.12 a request is announced in a later turn, without its caller's stack; the connection it opened has it.
  return ofConnection;
}

/** The inbound request that a socket serves, or served last. */
export function inboundRequestOf(raw: Socket): RequestNotes | undefined {
  return notesOf(tlsSocketOf(raw) ?? raw)?.request;
}

/** The message of that request, while it is being answered or its body has not come to its end. */
export function inboundMessageOf(raw: Socket): IncomingMessage | undefined {
  const socket = tlsSocketOf(raw) ?? raw;
  const message = httpMessageOf(socket);
  return isServerResponse(message) ? requestOf(message) : messageBeingParsed(socket);
}

/** `host` a client socket was asked for; a report's fallback is the remote address. */
export function destinationHostOf(socket: Socket): string | undefined {
  return requestedHostOf(tlsSocketOf(socket) ?? socket);
}

/** The message whose body the application reads from this socket: a request when inbound, a response when outbound. */
export function messageBeingRead(socket: Socket): IncomingMessage | undefined {
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
      method: stringProperty(request, 'method') ?? notes?.request?.method,
      // An application may have put something else there meanwhile, a URL object for example.
      url: stringProperty(request, 'url') ?? notes?.request?.url,
      ...routeNoted(notes?.request, stringProperty(request, 'url')),
      base: undefined,
      bodyComplete: booleanProperty(request, 'complete') ?? true,
      contentLength: contentLengthOf(request),
      answering: true,
      answerStarted: booleanProperty(message, 'headersSent') ?? false,
      answerEnded: booleanProperty(message, 'writableEnded') ?? false,
    };
  }
  if (message !== undefined && side !== 'inbound') {
    const response = responseOf(message);
    const host = hostHeaderOf(message);
    const ended = booleanProperty(response, 'readableEnded') ?? false;
    return {
      role: 'client',
      method: stringProperty(message, 'method'),
      url: stringProperty(message, 'path'),
      route: undefined,
      base: host === undefined ? undefined : `${stringProperty(message, 'protocol') ?? 'http:'}//${host}`,
      bodyComplete: response === undefined || ended,
      contentLength: contentLengthOf(response),
      answering: response !== undefined,
      answerStarted: response !== undefined,
      answerEnded: ended,
    };
  }
  return factsFromNotes(socket, side);
}

/** What Fastify's channel said of the request with this target; nothing, when it was said of another one. */
function routeNoted(noted: RequestNotes | undefined, url: string | undefined): Pick<HttpFacts, 'route' | 'unmatched'> {
  return noted?.url === url ? { route: noted?.route, unmatched: noted?.unmatched === true } : { route: undefined };
}

/** No answer is under way: what the parser still has of the last message, and what the channels said of it. */
function factsFromNotes(socket: Socket, side: Side): HttpFacts | undefined {
  const notes = notesOf(socket);
  const parsed = side === 'inbound' ? messageBeingParsed(socket) : undefined;
  const noted = side === 'inbound' ? (notes?.request ?? parsed) : notes?.outbound;
  if (!noted) return undefined;
  const open = 'responseOpen' in noted && noted.responseOpen;
  return {
    role: side === 'inbound' ? 'server' : 'client',
    method: stringProperty(noted, 'method'),
    url: stringProperty(noted, 'url'),
    route: 'route' in noted ? noted.route : undefined,
    unmatched: 'unmatched' in noted && noted.unmatched,
    base: 'base' in noted ? noted.base : undefined,
    bodyComplete: booleanProperty(parsed, 'complete') ?? !open,
    contentLength: undefined,
    answering: open,
    answerStarted: open,
    answerEnded: !open,
  };
}

function contentLengthOf(message: IncomingMessage | undefined): number | undefined {
  const length = Number(fact(() => message?.headers['content-length'], undefined));
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}
