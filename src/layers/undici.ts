import type { Socket } from 'node:net';
import type { Handlers } from '../base/channels.js';
import type { HttpFacts } from './facts.js';
import type { Layer } from './layer.js';
import { listenersOf } from './node-internals.js';
import { ensureNotes, notesOf, type Origin, type OutboundNotes } from './notes.js';
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

/** undici or fetch on a connection. Its body is out of reach: nothing leads from the socket to it. */
export class UndiciLayer implements Layer {
  readonly name = 'undici';
  readonly #socket: Socket;
  readonly #notes: OutboundNotes;

  static on(socket: Socket): UndiciLayer | undefined {
    const notes = notesOf(socket)?.outbound;
    return notes && new UndiciLayer(socket, notes);
  }

  private constructor(socket: Socket, notes: OutboundNotes) {
    this.#socket = socket;
    this.#notes = notes;
  }

  bufferedBytes(): number {
    return 0;
  }

  takenBytes(): undefined {
    return undefined;
  }

  /** Of an open response it cannot be seen; without one there is nothing to read. */
  hasReader(): boolean | undefined {
    return this.#notes.responseOpen ? undefined : false;
  }

  request(): HttpFacts {
    const { method, url, base, responseOpen } = this.#notes;
    return {
      ...{ role: 'client', method, url, route: undefined, unmatched: false, base },
      bodyComplete: !responseOpen,
      contentLength: undefined,
      answering: responseOpen,
      answerStarted: responseOpen,
      answerEnded: !responseOpen,
    };
  }

  pipeCount(): number {
    return 0;
  }

  end(error: Error): void {
    this.#socket.destroy(listenersOf(this.#socket, 'error') > 0 ? error : undefined);
  }
}
