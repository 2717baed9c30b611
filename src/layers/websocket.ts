import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import type { HttpFacts, WebSocketFacts } from './facts.js';
import type { Layer } from './layer.js';
import {
  booleanProperty,
  countProperty,
  httpMessageOf,
  isServerResponse,
  property,
  requestOf,
  stringProperty,
} from './node-internals.js';
import { notesOf } from './notes.js';
import { destroyWith, hasReader } from './stream.js';
import { objectUnderSymbol } from './symbols.js';

/**
 * A WebSocket of the package ws (5 to 8), which has taken the connection over from http. What http has left on the socket is of
 * the past: @fastify/websocket, for one, leaves an open ServerResponse there.
 */
export class WebSocketLayer implements Layer {
  readonly name = 'websocket';
  readonly #webSocket: object;
  readonly #socket: Socket;

  /** @param socket the TLSSocket where there is one */
  static on(socket: Socket): WebSocketLayer | undefined {
    const webSocket = webSocketOf(socket);
    return webSocket && new WebSocketLayer(webSocket, socket);
  }

  private constructor(webSocket: object, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  facts(): WebSocketFacts {
    return { paused: this.#isPaused(), readerUnseen: hasStreamAbove(this.#webSocket) };
  }

  /** What waits for its receiver to be inflated, for example. */
  bufferedBytes(): number {
    return countProperty(property(this.#webSocket, '_receiver'), 'writableLength');
  }

  takenBytes(): undefined {
    return undefined;
  }

  hasReader(): boolean | undefined {
    if (hasStreamAbove(this.#webSocket)) return undefined;
    return booleanProperty(this.#socket, 'readableEnded') !== true && hasReader(this.#socket);
  }

  /** The one that it came from. It has been answered: the response is the upgrade. */
  request(): HttpFacts {
    const answered = {
      ...{ route: undefined, unmatched: false, bodyComplete: true, contentLength: undefined },
      ...{ responding: false, responseStarted: true, responseEnded: true },
    };
    if (booleanProperty(this.#webSocket, '_isServer') === false) {
      // As the application gave it: a server's WebSocket has none.
      const [, base, url] = /^([a-z+]+:\/\/[^/]+)(.*)$/i.exec(stringProperty(this.#webSocket, '_url') ?? '') ?? [];
      return { ...answered, role: 'client', method: 'GET', url, base };
    }
    const message = httpMessageOf(this.#socket);
    const request = isServerResponse(message) ? requestOf(message) : undefined;
    const noted = notesOf(this.#socket)?.request;
    return {
      ...answered,
      role: 'server',
      method: noted?.method ?? stringProperty(request, 'method'),
      url: noted?.url ?? stringProperty(request, 'url'),
      // @fastify/websocket calls it in a handler.
      route: noted?.route,
      base: undefined,
    };
  }

  pipedTo(): readonly object[] {
    return [];
  }

  end(error: Error): void {
    destroyWith(this.#socket, error);
  }

  #isPaused(): boolean {
    return booleanProperty(this.#webSocket, '_paused') ?? booleanProperty(this.#webSocket, 'isPaused') ?? false;
  }
}

/** ws keeps it on its socket (`socket[Symbol('websocket')]`). */
function webSocketOf(socket: Socket): object | undefined {
  const webSocket = objectUnderSymbol(socket, 'websocket');
  return webSocket && property(webSocket, '_receiver') != null ? webSocket : undefined;
}

/**
 * Whether the WebSocket is read through `createWebSocketStream()`. Nothing leads to that stream; its listener has a name. What
 * waits in it, and who takes it from there, cannot be seen.
 */
function hasStreamAbove(webSocket: object): boolean {
  const listeners = property(webSocket, 'listeners');
  if (typeof listeners !== 'function') return false;
  const of = (event: string): unknown => fact(() => Reflect.apply(listeners, webSocket, [event]) as unknown, []);
  const hasOwn = (event: string): boolean => {
    const found = of(event);
    return Array.isArray(found) && found.some((each) => stringProperty(each, 'name') === event);
  };
  return hasOwn('message') && hasOwn('close') && hasOwn('error');
}
