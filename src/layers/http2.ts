import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Side } from '../base/vocabulary.js';
import type { HttpFacts } from './facts.js';
import { compatRequestOf, http2SessionOf, openStreamsOf, requestOfStream } from './http2-internals.js';
import type { Layer } from './layer.js';
import { booleanProperty, countProperty, endIsBuffered, pipesOf } from './node-internals.js';

/** The HTTP/2 session that has taken a socket over. What is leaked with it are its streams. */
export class Http2Layer implements Layer {
  readonly name = 'http2';
  readonly #session: Http2Session;
  readonly #socket: Socket;
  readonly #side: Side;

  static on(socket: Socket, side: Side): Http2Layer | undefined {
    const session = http2SessionOf(socket);
    return session && new Http2Layer(session, socket, side);
  }

  private constructor(session: Http2Session, socket: Socket, side: Side) {
    this.#session = session;
    this.#socket = socket;
    this.#side = side;
  }

  /** http2 takes all that comes, so what the application has not read waits in the streams. */
  bufferedBytes(): number {
    return openStreamsOf(this.#session).reduce((sum, stream) => sum + countProperty(stream, 'readableLength'), 0);
  }

  takenBytes(): undefined {
    return undefined;
  }

  /** http2 takes all that comes, whatever its streams' readers do: what waits in the kernel waits for the session itself. */
  hasReader(): boolean {
    return false;
  }

  request(): HttpFacts | undefined {
    const stream = this.#subject();
    if (stream === undefined) return undefined;
    const { method, url, scheme, authority } = requestOfStream(stream);
    const onServer = this.#side === 'inbound';
    const ended = endIsBuffered(stream as Socket) === true && countProperty(stream, 'readableLength') === 0;
    return {
      role: onServer ? 'server' : 'client',
      ...{ method, url, route: undefined },
      base: onServer || authority === undefined ? undefined : `${scheme ?? 'http'}://${authority}`,
      bodyComplete: ended || booleanProperty(stream, 'readableEnded') === true,
      contentLength: undefined,
      responding: true,
      responseStarted: booleanProperty(stream, 'headersSent') ?? false,
      responseEnded: onServer && booleanProperty(stream, 'writableEnded') === true,
      needsDrain: countProperty(stream, 'writableLength') > 0,
      moreStreams: openStreamsOf(this.#session).length - 1,
    };
  }

  /** The Http2ServerRequest of that stream, which a router knows. */
  compatRequest(): object | undefined {
    const stream = this.#subject();
    return stream && compatRequestOf(stream);
  }

  /** Of the streams that hold back what they have to send the oldest, else the oldest of all. */
  #subject(): object | undefined {
    const streams = openStreamsOf(this.#session);
    return streams.find((each) => countProperty(each, 'writableLength') > 0) ?? streams[0];
  }

  pipedTo(): readonly object[] {
    return openStreamsOf(this.#session).flatMap(pipesOf);
  }

  /**
   * Without an error: the socket's error listener is http2's own, and would hand one on to the session, where perhaps nobody
   * listens. A session that is destroyed without one ends its socket and waits for the peer, so that has to go as well.
   */
  end(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }
}
