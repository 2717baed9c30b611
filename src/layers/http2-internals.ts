import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { types } from 'node:util';
import { fact } from '../base/fact.js';
import { objectProperty, property, stringProperty } from './node-internals.js';
import { objectUnderSymbol, underSymbol } from './symbols.js';

// What http2 does not document (lib/internal/http2/core.js, compat.js), read as node-internals.ts reads the rest of Node.

/** The streams of a session that are not closed, oldest first (`session[kState].streams`, Node 20 to 26). */
export function openStreamsOf(session: object): readonly object[] {
  const streams = property(underSymbol(session, 'state'), 'streams');
  // Node's own Map, which is no instance of Map.
  if (!types.isMap(streams)) return [];
  return [...(Map.prototype.values.call(streams) as Iterable<unknown>)].filter(
    (stream): stream is object =>
      typeof stream === 'object' && stream !== null && property(stream, 'destroyed') !== true,
  );
}

/** The Http2ServerRequest of a stream (`stream[kRequest]`); there is none where a server listens for 'stream' alone. */
export function compatRequestOf(stream: object): object | undefined {
  return objectUnderSymbol(stream, 'request');
}

/** What was asked for in a stream, as HTTP/1 would call it. */
export interface StreamRequest {
  readonly method: string | undefined;
  /** `:path`, or of a CONNECT the authority. */
  readonly url: string | undefined;
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
}

/** Where the headers of a server's stream are kept that a channel told of. They die with the stream. */
const kHeaders = Symbol.for('close-wait-guard.http2-headers');

/** Node 22 has the channel: before that nothing leads from a server's stream to its request unless it is an Http2ServerRequest. */
export function noteServerStream({ stream, headers }: { stream: object; headers: object }): void {
  (stream as { [kHeaders]?: object })[kHeaders] = headers;
}

/** A client's stream has the headers that were sent (documented: `sentHeaders`); a server's those that came. */
export function requestOfStream(stream: object): StreamRequest {
  const compat = compatRequestOf(stream);
  const headers =
    objectProperty(compat, 'headers') ?? objectProperty(stream, kHeaders) ?? objectProperty(stream, 'sentHeaders');
  const method = stringProperty(headers, ':method');
  const authority = stringProperty(headers, ':authority');
  return {
    method,
    url: stringProperty(headers, ':path') ?? (method === 'CONNECT' ? authority : undefined),
    scheme: stringProperty(headers, ':scheme'),
    authority,
  };
}

/**
 * The HTTP/2 session that owns a socket. http2 keeps it on the socket under a symbol of its own (`kBoundSession`), which on
 * Node 20 to 26 is undefined where it is used, so that the property is called 'undefined'. Told by what it can do.
 */
export function http2SessionOf(socket: Socket): Http2Session | undefined {
  const known = sessionUnder(socket, 'undefined');
  if (known) return known;
  for (const key of fact(() => Object.getOwnPropertySymbols(socket), [])) {
    const session = mayBeSession(key) ? sessionUnder(socket, key) : undefined;
    if (session) return session;
  }
  return undefined;
}

function sessionUnder(socket: Socket, key: string | symbol): Http2Session | undefined {
  const session = objectProperty<Http2Session>(socket, key);
  if (session === undefined) return undefined;
  const isOne = typeof property(session, 'goaway') === 'function' && typeof property(session, 'destroy') === 'function';
  return isOne ? session : undefined;
}

/** Node's symbols are few, and the same for all sockets: what each is called is looked at once. */
const sessionSymbols = new Map<symbol, boolean>();
const MAX_SYMBOLS = 1_000;

function mayBeSession(key: symbol): boolean {
  const known = sessionSymbols.get(key);
  if (known !== undefined) return known;
  const may = /session/i.test(key.description ?? '');
  // An application may make symbols without end.
  if (sessionSymbols.size < MAX_SYMBOLS) sessionSymbols.set(key, may);
  return may;
}
