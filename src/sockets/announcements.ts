import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import { shared } from '../base/shared-state.js';
import { ensureNotes, noteOrigin, noteTls, notesOf, originOf, type Origin, type OutboundNotes } from './notes.js';
import { httpMessageOf, rawSocketOf } from './node-internals.js';
import { currentOrigin, enterRequest, isTracing } from './tracing.js';

export type Side = 'inbound' | 'outbound' | 'unknown';

interface InboundRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly server: Server;
}

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
  return subscribeAll(
    {
      'net.server.socket': ({ socket }: { socket: Socket }) => {
        announce(socket, 'inbound');
      },
      'net.client.socket': ({ socket }: { socket: Socket }) => {
        // Announced in the caller's turn and async context.
        announce(socket, 'outbound');
        const origin = currentOrigin();
        if (origin) ensureNotes(socket).origin = origin;
      },
      // Since Node 22.12, and the only one of the two that runs in the caller's stack.
      'http.client.request.created': noteClientRequest,
      'http.client.request.start': noteClientRequest,
      ...undiciHandlers(),
    },
    onError,
  );
}

const requests = shared('request-listeners', () => ({ count: 0 }));

/**
 * Also notes every HTTP/1 request of the process. Left out where nobody needs it: for each request it costs as much as all
 * the rest together. Returns its undo.
 */
export function listenForRequests(onError: () => void): () => void {
  requests().count++;
  const unsubscribe = subscribeAll(
    {
      'http.server.request.start': ({ request, socket, server }: InboundRequest) => {
        noteRequest(socket, request, server);
      },
    },
    onError,
  );
  return () => {
    requests().count--;
    unsubscribe();
  };
}

type Handlers = Readonly<Record<string, (message: never) => void>>;

function subscribeAll(handlers: Handlers, onError: () => void): () => void {
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

/** Runs once for every HTTP/1 request of the process. */
function noteRequest(socket: Socket, request: IncomingMessage, server?: Server): void {
  let notes = notesOf(socket);
  if (!notes) {
    notes = ensureNotes(socket);
    // Under TLS the announced socket is the raw one and the request's is the TLSSocket above it.
    const raw = rawSocketOf(socket);
    if (raw) noteTls(raw, socket);
  }
  const last = notes.request;
  // A pipelined request shares its socket with those before it that are still being answered, and their route's say.
  const reclaim = last?.reclaim !== false || httpMessageOf(socket) === undefined;
  if (last === undefined || isTracing()) {
    notes.request = { method: request.method, url: request.url, route: undefined, unmatched: false, server, reclaim };
    enterRequest(notes.request);
    return;
  }
  // Nobody else holds them: one object serves all requests of a connection.
  last.method = request.method;
  last.url = request.url;
  last.route = undefined;
  last.unmatched = false;
  last.reclaim = reclaim;
}

function noteClientRequest({ request }: { request: object }): void {
  if (originOf(request)) return;
  const origin = currentOrigin();
  if (origin) noteOrigin(request, origin);
}

/** undici and fetch: which request a pooled socket carries, and whether its response has been taken. */
function undiciHandlers(): Handlers {
  // Keyed by request, so they die with it.
  const origins = new WeakMap<object, Origin>();
  const inFlight = new WeakMap<object, OutboundNotes>();
  return {
    'undici:request:create': ({ request }: { request: UndiciRequest }) => {
      const origin = currentOrigin();
      if (origin) origins.set(request, origin);
    },
    'undici:client:sendHeaders': ({ request, socket }: { request: UndiciRequest; socket: Socket }) => {
      const notes = ensureNotes(socket);
      notes.outbound = {
        method: request.method,
        url: request.path,
        base: request.origin == null ? undefined : String(request.origin),
        responseOpen: false,
      };
      notes.origin = origins.get(request) ?? notes.origin;
      inFlight.set(request, notes.outbound);
    },
    'undici:request:headers': ({ request }: { request: UndiciRequest }) => {
      const outbound = inFlight.get(request);
      if (outbound) outbound.responseOpen = true;
    },
    'undici:request:trailers': ({ request }: { request: UndiciRequest }) => {
      const outbound = inFlight.get(request);
      if (outbound) outbound.responseOpen = false;
      inFlight.delete(request);
    },
  };
}

/** Names the route of the request a socket is serving now, and whether the route wants its sockets reclaimed. */
function noteRoute(message: IncomingMessage, route: string | undefined, reclaim: boolean): void {
  // Node detaches the socket from a message it is done with.
  const socket = message.socket as Socket | null;
  if (socket === null) return;
  if (requests().count === 0) noteRequest(socket, message);
  const request = notesOf(socket)?.request;
  if (!request) return;
  request.route = route;
  request.unmatched = route === undefined;
  request.reclaim &&= reclaim;
}

interface RouteConfig {
  readonly closeWaitGuard?: { readonly reclaim?: boolean };
}

interface FastifyHandling {
  readonly request?: { readonly raw?: IncomingMessage; readonly routeOptions?: { readonly config?: RouteConfig } };
  readonly route?: { readonly url?: string };
}

/**
 * Names routes where the plugin is not registered, through Fastify's own tracing channel (fastify.dev, "Diagnostics
 * Channel"); it is published once the handler is reached. Returns its undo.
 */
export function followFastifyRoutes(): () => void {
  return subscribeAll(
    {
      'tracing:fastify.request.handler:start': ({ request, route }: FastifyHandling) => {
        if (request?.raw?.httpVersionMajor !== 1) return;
        noteRoute(request.raw, route?.url, request.routeOptions?.config?.closeWaitGuard?.reclaim ?? true);
      },
    },
    () => undefined,
  );
}
