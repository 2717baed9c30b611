import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Side } from '../base/vocabulary.js';
import type { StreamFacts } from './facts.js';
import { Http1Layer } from './http1.js';
import { Http2Layer } from './http2.js';
import type { Layer } from './layer.js';
import {
  booleanProperty,
  bytesHeldBack,
  clientErrorIsHandledBy,
  countProperty,
  endIsBuffered,
  httpMessageOf,
  isPausedByPipelining,
  isReadByHttp,
  isServerResponse,
  listenersOf,
  messageBeingParsed,
  requestedHostOf,
  requestOf,
  serverOf,
  stringProperty,
} from './node-internals.js';
import { notesOf, originOf, type Origin, type RequestNotes } from './notes.js';
import { hasReader, StreamLayer } from './stream.js';
import { HiddenTlsLayer, hiddenTlsOf, TlsLayer, tlsSocketOf, topSocketOf } from './tls.js';
import { outboundRequestOf, UndiciLayer } from './undici.js';
import { WebSocketLayer } from './websocket.js';

/** The layers above a raw socket, from the lowest up. The first is always its stream. */
export function layersOf(raw: Socket, side: Side): readonly [StreamLayer, ...Layer[]] {
  const tls = tlsSocketOf(raw);
  const top = tls ?? raw;
  const protocol =
    WebSocketLayer.on(top) ??
    Http2Layer.on(top, side) ??
    Http1Layer.on(top, side) ??
    (side === 'inbound' ? undefined : UndiciLayer.on(top));
  const tlsLayer = tls ? new TlsLayer(tls) : HiddenTlsLayer.on(raw);
  return [new StreamLayer(raw), ...(tlsLayer ? [tlsLayer] : []), ...(protocol ? [protocol] : [])];
}

/** What the streams above an fd say now. Property reads only. */
export function streamFactsOf(raw: Socket, side: Side): StreamFacts {
  const socket = topSocketOf(raw);
  const protocol = layersOf(raw, side).at(-1);
  const readByHttp = isReadByHttp(socket);
  const server = serverOf(socket) ?? serverOf(raw);
  const readableEnded = booleanProperty(socket, 'readableEnded') ?? false;
  const encrypted = socket !== raw || booleanProperty(socket, 'encrypted') === true;
  const bytesRead = countProperty(raw, 'bytesRead');
  const hiddenTls = hiddenTlsOf(raw);
  return {
    // http2 reads the handle itself, whatever the stream above it says.
    readableFlowing: protocol?.name === 'http2' ? true : (booleanProperty(socket, 'readableFlowing') ?? null),
    readableEnded,
    endBuffered: endIsBuffered(socket) ?? readableEnded,
    hasReadableListener: listenersOf(socket, 'readable') > 0,
    hasReader: hasReader(socket),
    writableEnded: booleanProperty(socket, 'writableEnded') ?? false,
    writableLength: bytesHeldBack(socket, raw),
    written: countProperty(socket, 'bytesWritten') > 0,
    takenBytes: encrypted || hiddenTls ? undefined : Math.max(0, bytesRead - countProperty(raw, 'readableLength')),
    allowHalfOpen: booleanProperty(socket, 'allowHalfOpen') === true,
    pausedOnConnect: bytesRead === 0 && booleanProperty(server, 'pauseOnConnect') === true,
    secureConnecting: booleanProperty(socket, 'secureConnecting') === true,
    encrypted: encrypted || hiddenTls !== undefined,
    pausedByPipelining: isPausedByPipelining(socket),
    readByHttp,
    leftToClientErrorListener: readByHttp && server !== undefined && clientErrorIsHandledBy(server),
    hiddenTls,
    http: protocol?.request(),
    webSocket: protocol instanceof WebSocketLayer ? protocol.facts() : undefined,
  };
}

/**
 * Where an outbound socket's request came from; where no request is known, the socket itself. A connection may have been
 * opened by somebody else, for an earlier request, so of a request that does not tell nobody is named.
 */
export function originOfSocket(raw: Socket): Origin | undefined {
  const socket = topSocketOf(raw);
  const ofConnection = notesOf(socket)?.origin ?? notesOf(raw)?.origin;
  const message = httpMessageOf(socket);
  if (message === undefined) {
    // Its streams share the connection, and which of them opened it is not known.
    if (Http2Layer.on(socket, 'outbound')) return undefined;
    const request = outboundRequestOf(socket);
    return request ? request.origin : ofConnection;
  }
  const ofRequest = originOf(message);
  if (ofRequest?.stack !== undefined || booleanProperty(message, 'reusedSocket') !== false) return ofRequest;
  // Before Node 22.12 a request is announced in a later turn, without its caller's stack. The connection that it opened has it.
  return ofRequest?.requestedBy === ofConnection?.requestedBy ? ofConnection : ofRequest;
}

/** The inbound request that a socket serves, or served last. */
export function inboundRequestOf(raw: Socket): RequestNotes | undefined {
  return notesOf(topSocketOf(raw))?.request;
}

/** The message of that request, while it is being answered or its body has not come to its end. */
export function inboundMessageOf(raw: Socket): IncomingMessage | undefined {
  const socket = topSocketOf(raw);
  const compat = Http2Layer.on(socket, 'inbound')?.compatRequest();
  // An Http2ServerRequest has what is asked of a message here: method, url, headers, and what a framework has put on it.
  if (compat) return compat as IncomingMessage;
  const message = httpMessageOf(socket);
  return isServerResponse(message) ? requestOf(message) : messageBeingParsed(socket);
}

/** Where an outbound connection goes, by what was asked of its sockets. */
export interface OutboundConnection {
  /** The host by its name; undefined where the connection was asked for by address. */
  readonly host: string | undefined;
  readonly encrypted: boolean;
  /** TLS was put on a connection that was there before, so its other end need not be that of the connection. */
  readonly tunnelled: boolean;
  /** The name that TLS asked for. */
  readonly servername: string | undefined;
}

export function outboundConnectionOf(raw: Socket): OutboundConnection {
  const top = topSocketOf(raw);
  return {
    host: requestedHostOf(raw) ?? requestedHostOf(top),
    encrypted: booleanProperty(top, 'encrypted') === true,
    tunnelled: top !== raw,
    servername: stringProperty(top, 'servername'),
  };
}
