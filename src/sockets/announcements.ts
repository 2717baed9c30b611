import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ensureNotes, noteTls, notesOf, type SocketNotes } from './notes.js';
import { rawSocketOf } from './node-internals.js';

export type Side = 'inbound' | 'outbound' | 'unknown';

interface UndiciRequest {
  readonly origin?: string | URL | null;
  readonly path?: string;
  readonly method?: string;
}

/**
 * Subscribes to the diagnostics channels that announce sockets and name what is asked over them
 * (nodejs.org/api/diagnostics_channel.html, undici's DiagnosticsChannel.md). Returns its undo.
 * No listener is put on any socket and no function is replaced. `onError` is told of a message that could not be handled:
 * what a subscriber throws would end the process as an uncaught exception.
 */
export function listenForSockets(announce: (socket: Socket, side: Side) => void, onError: () => void): () => void {
  // The notes of an undici request's socket, until its response is complete; keyed by request, so it dies with it.
  const inFlight = new WeakMap<object, SocketNotes>();

  const handlers: Record<string, (message: never) => void> = {
    'net.server.socket': ({ socket }: { socket: Socket }) => {
      announce(socket, 'inbound');
    },
    'net.client.socket': ({ socket }: { socket: Socket }) => {
      announce(socket, 'outbound');
    },
    'http.server.request.start': ({ request, socket }: { request: IncomingMessage; socket: Socket }) => {
      noteRequest(socket, request);
    },
    'undici:client:sendHeaders': ({ request, socket }: { request: UndiciRequest; socket: Socket }) => {
      const notes = ensureNotes(socket);
      notes.method = request.method;
      notes.url = request.path;
      notes.origin = request.origin == null ? undefined : String(request.origin);
      notes.responseOpen = false;
      inFlight.set(request, notes);
    },
    'undici:request:headers': ({ request }: { request: UndiciRequest }) => {
      const notes = inFlight.get(request);
      if (notes) notes.responseOpen = true;
    },
    'undici:request:trailers': ({ request }: { request: UndiciRequest }) => {
      const notes = inFlight.get(request);
      if (notes) notes.responseOpen = false;
      inFlight.delete(request);
    },
  };
  const subscriptions = Object.entries(handlers).map(([channel, handle]) => {
    const onMessage = (message: unknown): void => {
      try {
        handle(message as never);
      } catch {
        onError();
      }
    };
    subscribe(channel, onMessage);
    return { channel, onMessage };
  });
  return () => {
    for (const { channel, onMessage } of subscriptions) unsubscribe(channel, onMessage);
  };
}

/** Runs once for every HTTP request of the process: one WeakMap look-up and three stores. */
function noteRequest(socket: Socket, request: IncomingMessage): void {
  let notes = notesOf(socket);
  if (!notes) {
    notes = ensureNotes(socket);
    // Under TLS the announced socket is the raw one and the request's is the TLSSocket above it.
    const raw = rawSocketOf(socket);
    if (raw) noteTls(raw, socket);
  }
  notes.method = request.method;
  notes.url = request.url;
  notes.route = undefined;
}

/** Names the route of the request a socket is serving now. Called by the Fastify plugin's onRequest hook. */
export function noteRoute(socket: Socket, route: string | undefined): void {
  ensureNotes(socket).route = route;
}

interface FastifyHandling {
  readonly request?: { readonly raw?: IncomingMessage };
  readonly route?: { readonly url?: string };
}

/**
 * Names routes where the plugin is not registered, through Fastify's own tracing channel (fastify.dev, "Diagnostics
 * Channel"); it is published once the handler is reached. Returns its undo.
 */
export function followFastifyRoutes(): () => void {
  const channel = 'tracing:fastify.request.handler:start';
  const onHandling = (message: unknown): void => {
    const { request, route } = message as FastifyHandling;
    if (request?.raw?.httpVersionMajor === 1) noteRoute(request.raw.socket, route?.url);
  };
  subscribe(channel, onHandling);
  return () => {
    unsubscribe(channel, onHandling);
  };
}
