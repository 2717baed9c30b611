import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { subscribeAll } from '../../base/channels.js';
import { areRequestsNoted, noteRequest } from '../../layers/requests.js';
import { notesOf } from '../../layers/notes.js';

/** Names the route of the request a socket is serving now, and whether the route wants its sockets reclaimed. */
function noteRoute(message: IncomingMessage, route: string | undefined, reclaim: boolean): void {
  // Node detaches the socket from a message it is done with.
  const socket = message.socket as Socket | null;
  if (socket === null) return;
  if (!areRequestsNoted()) noteRequest(socket, message);
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
