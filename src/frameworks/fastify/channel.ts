import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { subscribeAll } from '../../base/channels.js';
import { notesOf, noteTimeOut, type RequestNotes } from '../../layers/notes.js';
import { enteredRequest, leaveRequest } from '../../layers/origin.js';
import { areRequestsNoted, noteRequest } from '../../layers/requests.js';
import { mayBeReclaimed, timeOutOf } from './route-info.js';

/**
 * Of requests that no connection has brought (`app.inject()`): what was being served when their handler was called. It may have
 * been called by a test, in whose own turn it runs to its first `await`.
 */
const callers = new WeakMap<object, { readonly request: RequestNotes | undefined }>();

/** Notes the route of the request that a socket is serving, and what the route's own configuration says of its sockets. */
function noteRoute(message: IncomingMessage, route: string | undefined, options: { readonly config?: unknown }): void {
  // Node takes the socket off a message that is finished.
  const socket = message.socket as Socket | null;
  if (socket === null) return;
  // http's own channel tells of those that came over a connection, before this.
  const isInjected = areRequestsNoted() && notesOf(socket)?.request === undefined;
  if (isInjected) callers.set(message, { request: enteredRequest() });
  if (isInjected || !areRequestsNoted()) noteRequest(socket, message);
  const request = notesOf(socket)?.request;
  if (!request) return;
  request.route = route;
  request.unmatched = route === undefined;
  request.reclaim &&= mayBeReclaimed(options);
  noteTimeOut(request, timeOutOf(options));
}

function leaveInjected(message: IncomingMessage): void {
  const caller = callers.get(message);
  if (caller) leaveRequest(caller.request);
}

interface FastifyHandling {
  readonly request?: { readonly raw?: IncomingMessage; readonly routeOptions?: { readonly config?: unknown } };
  readonly route?: { readonly url?: string };
}

/**
 * Notes routes where the plugin is not registered, from Fastify's own tracing channel (fastify.dev, "Diagnostics Channel"), on
 * which Fastify publishes when it calls a handler. Returns a dispose function.
 */
export function followFastifyRoutes(): () => void {
  return subscribeAll(
    {
      'tracing:fastify.request.handler:start': ({ request, route }: FastifyHandling) => {
        if (request?.raw?.httpVersionMajor !== 1) return;
        noteRoute(request.raw, route?.url, request.routeOptions ?? {});
      },
      // Its handler has returned, or come to its first await.
      'tracing:fastify.request.handler:end': ({ request }: FastifyHandling) => {
        if (request?.raw) leaveInjected(request.raw);
      },
    },
    () => undefined,
  );
}
