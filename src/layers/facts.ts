/** What the streams above an fd say; plain data, so that the diagnosis can be tested with tables. */
export interface StreamFacts {
  readonly readableFlowing: boolean | null;
  readonly readableEnded: boolean;
  /** The FIN was read from the kernel, but `'end'` may still wait behind buffered bytes. */
  readonly endBuffered: boolean;
  readonly hasReadableListener: boolean;
  /** A listener, a pipe or an iterator takes what comes, or has paused it. */
  readonly hasReader: boolean;
  readonly writableEnded: boolean;
  /** Bytes that JS holds because the kernel did not take them. */
  readonly writableLength: number;
  /** Something was written to it. */
  readonly written: boolean;
  /** Taken from it by the application so far; under TLS it is not known. */
  readonly takenBytes: number | undefined;
  /** Node does not end it when it has been read to its end. */
  readonly allowHalfOpen: boolean;
  /** Its server takes connections paused, and not a byte of this one has been read. */
  readonly pausedOnConnect: boolean;
  /** Its TLS handshake has not ended. */
  readonly secureConnecting: boolean;
  /** TLS stands above it: what waits in the kernel is encrypted. */
  readonly encrypted: boolean;
  /** http stopped reading because answers wait behind one that is pending. */
  readonly pausedByPipelining: boolean;
  /** http's parser reads this socket: whether it is paused is http's doing, not the application's. */
  readonly readByHttp: boolean;
  /** http does not close this socket after a parse error: its server has a 'clientError' listener, whose job that is. */
  readonly leftToClientErrorListener: boolean;
  /** Set where TLS stands above the socket and its TLSSocket is not known: the stream facts above are then the raw socket's. */
  readonly hiddenTls: HiddenTlsFacts | undefined;
  readonly http: HttpFacts | undefined;
  /** Set where a WebSocket has taken the connection over; `http` is then the request that it came from. */
  readonly webSocket?: WebSocketFacts | undefined;
}

export interface WebSocketFacts {
  /** By the application, with `pause()`. */
  readonly paused: boolean;
  /** What it receives goes into a stream above it that cannot be seen: it may still be read. */
  readonly readerUnseen: boolean;
}

/** All that the raw socket shows of the TLS above it. */
export interface HiddenTlsFacts {
  /** It takes all that comes. False: it was paused or is not read, and its buffer is full. */
  readonly reading: boolean;
  /** One of the two ends has sent nothing yet, so the handshake cannot have ended. Without this it may have, or not. */
  readonly inHandshake: boolean;
  /** Node ends it when all that came has been read. */
  readonly endsItself: boolean;
}

export interface HttpFacts {
  readonly role: 'server' | 'client';
  readonly method: string | undefined;
  /** As the client sent it: sanitise before showing. */
  readonly url: string | undefined;
  /** Fastify's route pattern. */
  readonly route: string | undefined;
  /** Fastify's router found no route. */
  readonly unmatched?: boolean;
  /** `http://host:port` of an outbound request. */
  readonly base: string | undefined;
  /** Where `base` comes from the Host header alone, which need not name where the request goes: that header. */
  readonly hostHeader?: string | undefined;
  /** The body we read from (request's when role is server, response's when client) has been taken whole. */
  readonly bodyComplete: boolean;
  readonly contentLength: number | undefined;
  /** Of the body of a request that a server is answering: has left the message. Undefined where it cannot be known. */
  readonly takenBytes?: number | undefined;
  /** The last request that waits behind it on the same connection, as in `GET /b`. */
  readonly lastPipelined?: string | undefined;
  /** A message is under way on this socket now; false when only notes of the last one are left. */
  readonly responding: boolean;
  readonly responseStarted: boolean;
  readonly responseEnded: boolean;
  /**
   * Of a server's response: it is over its high-water mark, and whoever writes it waits for 'drain'. Of an HTTP/2 stream: it
   * has bytes that the session could not send.
   */
  readonly needsDrain?: boolean;
  /**
   * The response goes to something that cannot be seen from here, and may still be read: a web stream (fetch), or what undici's
   * interceptors and Node 26's dispatcher for older versions of undici hide.
   */
  readonly readerUnseen?: boolean;
  /** Of HTTP/2: how many more streams of the connection are open. */
  readonly moreStreams?: number;
}
