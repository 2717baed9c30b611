import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import type { Side } from '../base/vocabulary.js';
import type { HttpFacts } from './facts.js';
import type { Layer } from './layer.js';
import {
  booleanProperty,
  countProperty,
  hostHeaderOf,
  httpMessageOf,
  isServerResponse,
  listenersOf,
  messageBeingParsed,
  pipesOf,
  requestOf,
  responseOf,
  stringProperty,
} from './node-internals.js';
import { notesOf, type RequestNotes } from './notes.js';
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
    return pipesOf(messageBeingRead(this.#socket));
  }

  end(error: Error): void {
    const heard = listenersOf(this.#socket, 'error') > 0 && this.#ownerHears();
    this.#socket.destroy(heard ? error : undefined);
  }

  /** http hands the error of a client's socket on to its ClientRequest. */
  #ownerHears(): boolean {
    const message = httpMessageOf(this.#socket);
    return message === undefined || isServerResponse(message) || listenersOf(message, 'error') > 0;
  }
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
  return side === 'inbound' ? factsFromNotes(socket) : undefined;
}

/** What Fastify's channel said of the request with this target; nothing, when it was said of another one. */
function routeNoted(noted: RequestNotes | undefined, url: string | undefined): Pick<HttpFacts, 'route' | 'unmatched'> {
  return noted?.url === url ? { route: noted?.route, unmatched: noted?.unmatched === true } : { route: undefined };
}

/** No answer is under way: what the parser still has of the last message, and what the channels said of it. */
function factsFromNotes(socket: Socket): HttpFacts | undefined {
  const parsed = messageBeingParsed(socket);
  const noted = notesOf(socket)?.request;
  const last = noted ?? parsed;
  if (!last) return undefined;
  return {
    role: 'server',
    method: stringProperty(last, 'method'),
    url: stringProperty(last, 'url'),
    route: noted?.route,
    unmatched: noted?.unmatched === true,
    base: undefined,
    bodyComplete: booleanProperty(parsed, 'complete') ?? true,
    contentLength: undefined,
    answering: false,
    answerStarted: false,
    answerEnded: true,
  };
}

function contentLengthOf(message: IncomingMessage | undefined): number | undefined {
  const length = Number(fact(() => message?.headers['content-length'], undefined));
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}
