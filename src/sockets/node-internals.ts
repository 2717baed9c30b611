import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';

/**
 * The only file that reads what Node does not document. Each reader returns undefined when the property is missing or of
 * another type, so that a future Node makes a report less precise and never throws.
 */

function property(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[name] : undefined;
}

/** The fd under a socket or listening server (`_handle.fd`, there since Node 0.x); undefined before connect and after close. */
export function fdOf(owner: Socket | Server): number | undefined {
  const fd = property(property(owner, '_handle'), 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/** The server that accepted a socket (`socket.server`, set by net, tls and http). */
export function serverOf(socket: Socket): Server | undefined {
  const server = property(socket, 'server') ?? property(socket, '_server');
  return typeof server === 'object' && server !== null ? (server as Server) : undefined;
}

/** The raw socket under a TLSSocket made from one (`_parent`). */
export function rawSocketOf(socket: Socket): Socket | undefined {
  const parent = property(socket, '_parent');
  return typeof parent === 'object' && parent !== null ? (parent as Socket) : undefined;
}

/** Whether the kernel's FIN has been read into the stream, even when 'end' could not be emitted yet. */
export function endIsBuffered(socket: Socket): boolean | undefined {
  const ended = property(property(socket, '_readableState'), 'ended');
  return typeof ended === 'boolean' ? ended : undefined;
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
  const message = property(property(socket, 'parser'), 'incoming');
  return typeof message === 'object' && message !== null ? (message as IncomingMessage) : undefined;
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
  const reading = property(property(socket, '_handle'), 'reading');
  return typeof reading === 'boolean' ? !reading : socket.readableFlowing !== true;
}

/**
 * Whether http leaves sockets with a parse error to a 'clientError' listener (documented), and would otherwise end a
 * socket that was read to its end (it does unless `httpAllowHalfOpen`).
 */
export function clientErrorIsHandledBy(server: Server): boolean {
  return property(server, 'httpAllowHalfOpen') !== true && server.listenerCount('clientError') > 0;
}

/** The Host header of a ClientRequest. */
export function hostHeaderOf(clientRequest: unknown): string | undefined {
  const getHeader = property(clientRequest, 'getHeader');
  const host: unknown = typeof getHeader === 'function' ? Reflect.apply(getHeader, clientRequest, ['host']) : undefined;
  return typeof host === 'string' ? host : undefined;
}

/** The host a client socket was asked for (`_host`, set by net.connect). */
export function requestedHostOf(socket: Socket): string | undefined {
  const host = property(socket, '_host');
  return typeof host === 'string' ? host : undefined;
}

/** The message that http is working on for this socket: a ServerResponse when inbound, a ClientRequest when outbound. */
export function httpMessageOf(socket: Socket): unknown {
  return property(socket, '_httpMessage') ?? undefined;
}

export function requestOf(response: unknown): IncomingMessage | undefined {
  const request = property(response, 'req');
  return typeof request === 'object' && request !== null ? (request as IncomingMessage) : undefined;
}

/** The response a ClientRequest received (`request.res`). */
export function responseOf(clientRequest: unknown): IncomingMessage | undefined {
  const response = property(clientRequest, 'res');
  return typeof response === 'object' && response !== null ? (response as IncomingMessage) : undefined;
}

export function isServerResponse(message: unknown): message is ServerResponse {
  return typeof property(message, 'writeHead') === 'function' && requestOf(message) !== undefined;
}

/**
 * Sockets that are alive in this thread (`process._getActiveHandles`, undocumented but there since Node 0.10). It misses
 * unref()ed ones; it is asked only for sockets that no diagnostics channel announced.
 */
export function activeSockets(): Socket[] {
  const getActiveHandles = property(process, '_getActiveHandles');
  if (typeof getActiveHandles !== 'function') return [];
  const handles = (getActiveHandles as () => unknown[]).call(process);
  return handles.filter(
    (handle): handle is Socket =>
      typeof property(handle, 'bytesRead') === 'number' && property(handle, '_handle') != null,
  );
}
