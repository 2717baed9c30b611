import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { safeMethod, safePath } from '../base/escape.js';
import type { Side } from '../base/vocabulary.js';
import { declaredLengthOf, takenOf } from './body.js';
import type { HttpFacts } from './facts.js';
import type { Layer } from './layer.js';
import {
  booleanProperty,
  clientHeaderOf,
  countProperty,
  errorIsHandled,
  httpMessageOf,
  isServerResponse,
  messageBeingParsed,
  pipesOf,
  requestOf,
  responseOf,
  stringProperty,
} from './node-internals.js';
import { notesOf, type RequestNotes } from './notes.js';
import { onwardFrom } from './onward.js';
import { areRequestsNoted } from './requests.js';
import { hasReader } from './stream.js';

/** The message whose body the application reads from this socket: a request when inbound, a response when outbound. */
export function messageBeingRead(socket: Socket): IncomingMessage | undefined {
  const message = httpMessageOf(socket);
  return message === undefined ? undefined : isServerResponse(message) ? requestOf(message) : responseOf(message);
}

/** HTTP/1 on a connection: the message under way, else what is known of the last one. */
export class Http1Layer implements Layer {
  readonly name = 'http1';
  readonly #socket: Socket;
  readonly #side: Side;

  /** @param socket the TLSSocket where there is one */
  static on(socket: Socket, side: Side): Http1Layer | undefined {
    if (httpMessageOf(socket) !== undefined) return new Http1Layer(socket, side);
    const last = side === 'inbound' ? (notesOf(socket)?.request ?? messageBeingParsed(socket)) : undefined;
    return last && new Http1Layer(socket, side);
  }

  private constructor(socket: Socket, side: Side) {
    this.#socket = socket;
    this.#side = side;
  }

  bufferedBytes(): number {
    return countProperty(messageBeingRead(this.#socket), 'readableLength');
  }

  takenBytes(): undefined {
    return undefined;
  }

  /** Undefined where there is no message to read from, and the layer below tells. */
  hasReader(): boolean | undefined {
    const message = messageBeingRead(this.#socket);
    return message && booleanProperty(message, 'readableEnded') !== true && hasReader(message);
  }

  request(): HttpFacts | undefined {
    return httpFactsOf(this.#socket, this.#side);
  }

  pipedTo(): readonly object[] {
    const message = httpMessageOf(this.#socket);
    return isServerResponse(message) ? pipesOf(requestOf(message)) : onwardFrom(responseOf(message));
  }

  end(error: Error): void {
    const heard = errorIsHandled(this.#socket) && this.#ownerHears();
    this.#socket.destroy(heard ? error : undefined);
  }

  /** http hands the error of a client's socket on to its ClientRequest. */
  #ownerHears(): boolean {
    const message = httpMessageOf(this.#socket);
    return message === undefined || isServerResponse(message) || errorIsHandled(message);
  }
}

function httpFactsOf(socket: Socket, side: Side): HttpFacts | undefined {
  const notes = notesOf(socket);
  const message = httpMessageOf(socket);
  if (isServerResponse(message)) {
    const request = requestOf(message);
    const noted = notesOfMessage(socket, request, notes?.request);
    return {
      role: 'server',
      method: stringProperty(request, 'method') ?? notes?.request?.method,
      url: targetOf(request, noted) ?? notes?.request?.url,
      route: noted?.route,
      ...(noted && { unmatched: noted.unmatched }),
      base: undefined,
      bodyComplete: booleanProperty(request, 'complete') ?? true,
      contentLength: declaredLengthOf(request),
      takenBytes: request && takenOf(socket, request),
      lastPipelined: laterRequestOf(socket, request),
      responding: true,
      responseStarted: booleanProperty(message, 'headersSent') ?? false,
      responseEnded: booleanProperty(message, 'writableEnded') ?? false,
      needsDrain: booleanProperty(message, 'writableNeedDrain') ?? false,
    };
  }
  if (message !== undefined && side !== 'inbound') {
    const response = responseOf(message);
    const host = clientHeaderOf(message, 'host');
    const ended = booleanProperty(response, 'readableEnded') ?? false;
    return {
      role: 'client',
      method: stringProperty(message, 'method'),
      url: stringProperty(message, 'path'),
      route: undefined,
      base: host === undefined ? undefined : `${stringProperty(message, 'protocol') ?? 'http:'}//${host}`,
      hostHeader: host,
      bodyComplete: response === undefined || ended,
      contentLength: declaredLengthOf(response),
      responding: response !== undefined,
      responseStarted: response !== undefined,
      responseEnded: ended,
    };
  }
  return side === 'inbound' ? factsFromNotes(socket) : undefined;
}

/** What the channels said of this request: `noted` is of the last one that came, which may be a later, pipelined one. */
function notesOfMessage(
  socket: Socket,
  request: IncomingMessage | undefined,
  noted: RequestNotes | undefined,
): RequestNotes | undefined {
  if (noted === undefined || request === undefined) return undefined;
  if (noted.url === stringProperty(request, 'url')) return noted;
  // The application has rewritten the target meanwhile. The message that was parsed last is the one that was noted last.
  const isLast = areRequestsNoted() && messageBeingParsed(socket) === request;
  return isLast && noted.method === stringProperty(request, 'method') ? noted : undefined;
}

/**
 * The target as the client sent it. Frameworks take a mounted router's prefix off `url`, and applications put other things
 * there, a URL object for example.
 */
function targetOf(message: IncomingMessage | undefined, noted: RequestNotes | undefined): string | undefined {
  const sent = areRequestsNoted() ? noted?.url : undefined;
  return sent ?? stringProperty(message, 'originalUrl') ?? stringProperty(message, 'url');
}

/** The request that was parsed last, where that is a later one than this. */
function laterRequestOf(socket: Socket, request: IncomingMessage | undefined): string | undefined {
  const last = messageBeingParsed(socket);
  if (last === undefined || last === request) return undefined;
  return `${safeMethod(stringProperty(last, 'method') ?? '')} ${safePath(targetOf(last, undefined) ?? '')}`;
}

/** No answer is under way: what the parser still has of the last message, and what the channels said of it. */
function factsFromNotes(socket: Socket): HttpFacts | undefined {
  const parsed = messageBeingParsed(socket);
  const noted = notesOf(socket)?.request;
  if (!noted && !parsed) return undefined;
  return {
    role: 'server',
    method: noted ? noted.method : stringProperty(parsed, 'method'),
    url: noted ? noted.url : targetOf(parsed, undefined),
    route: noted?.route,
    unmatched: noted?.unmatched === true,
    base: undefined,
    bodyComplete: booleanProperty(parsed, 'complete') ?? true,
    contentLength: undefined,
    responding: false,
    responseStarted: false,
    responseEnded: true,
  };
}
