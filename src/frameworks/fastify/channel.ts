import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { subscribeAll } from '../../base/channels.js';
import { areRequestsNoted, noteRequest } from '../../layers/requests.js';
import { notesOf, noteTimeOut } from '../../layers/notes.js';
import { mayBeReclaimed, timeOutOf } from './route-info.js';

/** Notes the route of the request that a socket is serving, and what the route's own configuration says of its sockets. */
function noteRoute(message: IncomingMessage, route: string | undefined, options: { readonly config?: unknown }): void {
  // Node takes the socket off a message that is finished.
  const socket = message.socket as Socket | null;
  if (socket === null) return;
  if (!areRequestsNoted()) noteRequest(socket, message);
  const request = notesOf(socket)?.request;
  if (!request) return;
  request.route = route;
  request.unmatched = route === undefined;
  request.reclaim &&= mayBeReclaimed(options);
  noteTimeOut(request, timeOutOf(options));
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
    },
    () => undefined,
  );
}
