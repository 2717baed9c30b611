import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { HttpFacts } from './facts.js';
import type { Layer } from './layer.js';
import { http2SessionOf } from './node-internals.js';

/** The HTTP/2 session that has taken a socket over. */
export class Http2Layer implements Layer {
  readonly name = 'http2';
  readonly #session: Http2Session;
  readonly #socket: Socket;

  static on(socket: Socket): Http2Layer | undefined {
    const session = http2SessionOf(socket);
    return session && new Http2Layer(session, socket);
  }

  private constructor(session: Http2Session, socket: Socket) {
    this.#session = session;
    this.#socket = socket;
  }

  bufferedBytes(): number {
    return 0;
  }

  takenBytes(): undefined {
    return undefined;
  }

  /** http2 takes all that comes, whatever its streams' readers do: what waits in the kernel waits for the session itself. */
  hasReader(): boolean {
    return false;
  }

  request(): HttpFacts | undefined {
    return undefined;
  }

  pipedTo(): readonly object[] {
    return [];
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
