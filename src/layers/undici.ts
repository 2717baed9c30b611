import type { Socket } from 'node:net';
import type { Handlers } from '../base/channels.js';
import { ensureNotes, type Origin, type OutboundNotes } from './notes.js';
import { currentOrigin } from './origin.js';

interface UndiciRequest {
  readonly origin?: string | URL | null;
  readonly path?: string;
  readonly method?: string;
}

/** undici and fetch: which request a pooled socket carries, and whether its response has been taken. */
export function undiciHandlers(): Handlers {
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
