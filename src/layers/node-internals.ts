import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server, type Socket } from 'node:net';
import { fact, noteFactFailure } from '../base/fact.js';

/**
 * Reads what Node does not document; timer-internals.ts reads that of time-outs, active-handles.ts what is alive,
 * ipc-internals.ts that of IPC, undici-internals.ts that of undici, and no other file does. Each reader returns undefined when the property is missing, of
 * another type, or throws, so that a future Node, or an application that puts things of its own there, makes a report less
 * precise and nothing else.
 */

export function property(object: unknown, name: string | symbol): unknown {
  if ((typeof object !== 'object' && typeof object !== 'function') || object === null) return undefined;
  try {
    return (object as Record<string | symbol, unknown>)[name];
  } catch (error) {
    noteFactFailure(error);
    return undefined;
  }
}

export function stringProperty(object: unknown, name: string): string | undefined {
  const value = property(object, name);
  return typeof value === 'string' ? value : undefined;
}

export function booleanProperty(object: unknown, name: string): boolean | undefined {
  const value = property(object, name);
  return typeof value === 'boolean' ? value : undefined;
}

/** Whether there is a socket that its owner has not destroyed; one that does not tell counts as open. */
export function isOpen(socket: Socket | undefined): socket is Socket {
  if (socket === undefined) return false;
  try {
    return !socket.destroyed;
  } catch (error) {
    noteFactFailure(error);
    return true;
  }
}

/** What an object's class is called. */
export function nameOfClass(object: object): string | undefined {
  return stringProperty(property(object, 'constructor'), 'name');
}

/** A count of bytes or of things: 0 when there is none. */
export function countProperty(object: unknown, name: string): number {
  const value = property(object, name);
  return typeof value === 'number' && value > 0 ? value : 0;
}

/** How many listeners an emitter has for an event; 0 when it does not tell. */
export function listenersOf(emitter: unknown, event: string): number {
  const listenerCount = property(emitter, 'listenerCount');
  if (typeof listenerCount !== 'function') return 0;
  const count: unknown = fact(() => Reflect.apply(listenerCount, emitter, [event]) as unknown, 0);
  return typeof count === 'number' ? count : 0;
}

/**
 * Whether somebody handles the errors of an emitter. Those listeners are left out that `pipe()` and `finished()` add, which Node
 * calls onerror: pipe's emits the error again when it was the only one, and that ends the process.
 */
export function errorIsHandled(emitter: unknown): boolean {
  const listeners = property(emitter, 'listeners');
  if (typeof listeners !== 'function') return false;
  const found: unknown = fact(() => Reflect.apply(listeners, emitter, ['error']) as unknown, []);
  return Array.isArray(found) && found.some((each) => stringProperty(each, 'name') !== 'onerror');
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what Node keeps there, for the caller to say
export function objectProperty<T extends object>(object: unknown, name: string | symbol): T | undefined {
  const value = property(object, name);
  return typeof value === 'object' && value !== null ? (value as T) : undefined;
}

/** The fd under a socket or listening server (`_handle.fd`, there since Node 0.x); undefined before connect and after close. */
export function fdOf(owner: Socket | Server): number | undefined {
  const fd = property(property(owner, '_handle'), 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/**
 * The server that accepted a socket (`socket.server`, set by net, tls and http). Applications put servers of their own kind
 * there (a game, a room): those are not meant.
 */
export function serverOf(socket: Socket): Server | undefined {
  for (const name of ['server', '_server']) {
    const server = property(socket, name);
    if (fact(() => server instanceof Server, false)) return server as Server;
  }
  return undefined;
}

/** The raw socket under a TLSSocket made from one (`_parent`). */
export function rawSocketOf(socket: Socket): Socket | undefined {
  return objectProperty<Socket>(socket, '_parent');
}

/**
 * Whether the TLS that stands above a raw socket reads from it; undefined where there is none. Nothing leads from a raw socket to
 * a TLSSocket that was put on it, but TLS then answers for the `reading` of its handle: on Node 20 to 26 that is an accessor of
 * the handle's own, and a plain value where there is no TLS.
 */
export function tlsAboveReads(raw: Socket): boolean | undefined {
  return tlsReadingGetter(raw) && booleanProperty(property(raw, '_handle'), 'reading');
}

/** That accessor: a closure over the TLSSocket. */
export function tlsReadingGetter(raw: Socket): (() => unknown) | undefined {
  const handle = property(raw, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const accessor: { readonly get?: () => unknown } | undefined = fact(
    () => Object.getOwnPropertyDescriptor(handle, 'reading'),
    undefined,
  );
  return accessor?.get;
}

/**
 * Bytes that were written to a stream and that the kernel has not taken. `writableLength` counts a chunk whole until its last byte
 * is with the kernel; what libuv still holds of it is `writeQueueSize` of the handle. Both are there since Node 12.
 */
export function bytesHeldBack(top: Socket, raw: Socket): number {
  const buffered = countProperty(top, 'writableLength');
  const queued = countProperty(property(raw, '_handle'), 'writeQueueSize');
  // TLS holds what is written before its handshake has ended.
  if (queued === 0) return buffered;
  return Math.max(0, buffered - countProperty(property(top, '_writableState'), 'writelen')) + queued;
}

/** The stream that a wrapper stands for which TLS needs where there is no handle (`JSStreamSocket.stream`). */
export function streamUnderWrapOf(socket: Socket): Socket | undefined {
  return nameOfClass(socket) === 'JSStreamSocket' ? objectProperty<Socket>(socket, 'stream') : undefined;
}

/** Whether the kernel's FIN has been read into the stream, even when 'end' could not be emitted yet. */
export function endIsBuffered(socket: Socket): boolean | undefined {
  return booleanProperty(property(socket, '_readableState'), 'ended');
}

/** http's own "paused because too many responses are queued behind a pending one" (`socket._paused`). */
export function isPausedByPipelining(socket: Socket): boolean {
  return property(socket, '_paused') === true;
}

/** Whether http's parser still reads this socket (`socket.parser`): not after an upgrade, CONNECT or on a plain socket. */
export function isReadByHttp(socket: Socket): boolean {
  return property(socket, 'parser') != null;
}

/**
 * The message that http's parser is in the middle of (`parser.incoming`): also after its answer has been sent, as long as
 * its body has not come to its end.
 */
export function messageBeingParsed(socket: Socket): IncomingMessage | undefined {
  return objectProperty<IncomingMessage>(property(socket, 'parser'), 'incoming');
}

/** Whether http hands the connection of this request to 'upgrade' or 'connect' (`message.upgrade`, there since Node 0.10). */
export function isUpgrading(message: IncomingMessage): boolean {
  return property(message, 'upgrade') === true;
}

/**
 * Whether JS has stopped reading this socket's fd (`_handle.reading`, there since Node 9): paused, over its high-water mark,
 * or never started.
 */
export function hasStoppedReading(socket: Socket): boolean {
  const reading = booleanProperty(property(socket, '_handle'), 'reading');
  return reading === undefined ? property(socket, 'readableFlowing') !== true : !reading;
}

/**
 * Whether http leaves sockets with a parse error to a 'clientError' listener (documented), and would otherwise end a
 * socket that was read to its end (it does unless `httpAllowHalfOpen`).
 */
export function clientErrorIsHandledBy(server: Server): boolean {
  return booleanProperty(server, 'httpAllowHalfOpen') !== true && listenersOf(server, 'clientError') > 0;
}

/**
 * Whether a socket is open and JS reads it, which is so of nearly every one: two property reads tell. One that is destroyed has
 * no handle.
 */
export function isReading(socket: Socket): boolean {
  try {
    return (socket as { readonly _handle?: { readonly reading?: unknown } | null })._handle?.reading === true;
  } catch (error) {
    noteFactFailure(error);
    return false;
  }
}

/** Whether libuv made the handle as one for TCP (`TCPWRAP`'s class, `TCP` since Node 0.x): not a pipe, a terminal or TLS. */
export function hasTcpHandle(socket: Socket): boolean {
  return nameOfClass(objectProperty(socket, '_handle') ?? {}) === 'TCP';
}

/** A header of a ClientRequest; undefined where it has several. */
export function clientHeaderOf(clientRequest: unknown, name: string): string | undefined {
  const getHeader = property(clientRequest, 'getHeader');
  if (typeof getHeader !== 'function') return undefined;
  const value: unknown = fact(() => Reflect.apply(getHeader, clientRequest, [name]) as unknown, undefined);
  return typeof value === 'string' ? value : undefined;
}

/** The host a client socket was asked for (`_host`, set by net.connect). */
export function requestedHostOf(socket: Socket): string | undefined {
  return stringProperty(socket, '_host');
}

/** The message that http is working on for this socket: a ServerResponse when inbound, a ClientRequest when outbound. */
export function httpMessageOf(socket: Socket): unknown {
  return property(socket, '_httpMessage') ?? undefined;
}

export function requestOf(response: unknown): IncomingMessage | undefined {
  return objectProperty<IncomingMessage>(response, 'req');
}

/** The response a ClientRequest received (`request.res`). */
export function responseOf(clientRequest: unknown): IncomingMessage | undefined {
  return objectProperty<IncomingMessage>(clientRequest, 'res');
}

export function isServerResponse(message: unknown): message is ServerResponse {
  return typeof property(message, 'writeHead') === 'function' && requestOf(message) !== undefined;
}

/** What a readable is piped to (`_readableState.pipes`, an array since Node 14). */
export function pipesOf(readable: unknown): readonly object[] {
  const pipes = property(property(readable, '_readableState'), 'pipes');
  return Array.isArray(pipes) ? pipes.filter((each): each is object => typeof each === 'object' && each !== null) : [];
}

/** The socket that a writable ends in: its own, that of an HTTP/1 message, or that of an HTTP/2 stream's session. */
export function socketUnder(writable: object): Socket | undefined {
  const session = property(property(writable, 'stream') ?? writable, 'session');
  const candidates = [writable, objectProperty(writable, 'socket'), objectProperty(session, 'socket')];
  return candidates.find((each): each is Socket => each !== undefined && fdOf(each as Socket) !== undefined);
}
