import type { Socket } from 'node:net';
import type { Handlers } from '../base/channels.js';
import { fact } from '../base/fact.js';
import type { HttpFacts } from './facts.js';
import type { Layer } from './layer.js';
import { countProperty } from './node-internals.js';
import { ensureNotes, notesOf, type Origin, type OutboundNotes } from './notes.js';
import { onwardFrom } from './onward.js';
import { currentOrigin } from './origin.js';
import { destroyWith, hasReader } from './stream.js';
import { noteTlsAbove } from './tls.js';
import { isReadable, undiciBodyOf, undiciHandlerOf, undiciRequestsOn, undiciResultOf } from './undici-internals.js';

interface UndiciRequest {
  readonly origin?: string | URL | null;
  readonly path?: string;
  readonly method?: string;
}

interface UndiciResponse {
  readonly statusCode?: number;
}

/** What {@link undiciListener} returns. */
export interface UndiciListener {
  /** By their channels. */
  readonly handlers: Handlers;
  /** Notes the requests that a connection carries already, as the channels would have. */
  noteUnderWay(socket: Socket): void;
}

/** undici and fetch: which requests a pooled socket carries, and whether their responses have been taken. */
export function undiciListener(): UndiciListener {
  // Keyed by request, so they die with it.
  const origins = new WeakMap<object, Origin>();
  const inFlight = new WeakMap<object, { readonly notes: OutboundNotes; readonly all: OutboundNotes[] }>();
  const ended = ({ request }: { request: UndiciRequest }): void => {
    const { notes, all } = inFlight.get(request) ?? {};
    if (!notes || !all) return;
    notes.responseOpen = false;
    notes.request = undefined;
    // The last one stays, for the name of what a socket was used for.
    if (all.length > 1) all.splice(all.indexOf(notes), 1);
    inFlight.delete(request);
  };
  const sent = ({ request, socket }: { request: UndiciRequest; socket: Socket }): void => {
    noteTlsAbove(socket);
    const all = ensureNotes(socket).outbound;
    const notes: OutboundNotes = {
      method: request.method,
      url: request.path,
      base: request.origin == null ? undefined : String(request.origin),
      origin: origins.get(request),
      request,
      responseOpen: false,
    };
    if (all.length === 1 && all[0]?.request === undefined) all.pop();
    all.push(notes);
    inFlight.set(request, { notes, all });
  };
  const responded = ({ request, response }: { request: UndiciRequest; response?: UndiciResponse }): void => {
    const { notes } = inFlight.get(request) ?? {};
    if (!notes) return;
    notes.responseOpen = true;
    if (response?.statusCode !== undefined) notes.status = response.statusCode;
  };
  return {
    handlers: {
      'undici:request:create': ({ request }: { request: UndiciRequest }) => {
        const origin = currentOrigin();
        if (origin && !isDrained()) origins.set(request, origin);
      },
      'undici:client:sendHeaders': sent,
      'undici:request:headers': responded,
      'undici:request:trailers': ended,
      'undici:request:error': ended,
    },
    noteUnderWay: (socket) => {
      for (const { request, status } of undiciRequestsOn(socket)) {
        if (inFlight.has(request)) continue;
        sent({ request, socket });
        if (status !== undefined) responded({ request, response: { statusCode: status } });
      }
    },
  };
}

/**
 * Whether the request that is being made had waited in a pool for a free connection. It is made in the context of the response
 * that freed one, which says nothing of who asked for it.
 */
function isDrained(): boolean {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 12;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  return stack.includes('[onDrain]');
}

/** undici or fetch on a connection: of pipelined requests the one whose response is on the wire. */
export class UndiciLayer implements Layer {
  readonly name = 'undici';
  readonly #socket: Socket;
  readonly #notes: OutboundNotes;

  static on(socket: Socket): UndiciLayer | undefined {
    const notes = outboundRequestOf(socket);
    return notes && new UndiciLayer(socket, notes);
  }

  private constructor(socket: Socket, notes: OutboundNotes) {
    this.#socket = socket;
    this.#notes = notes;
  }

  bufferedBytes(): number {
    return countProperty(this.#body(), 'readableLength');
  }

  takenBytes(): undefined {
    return undefined;
  }

  /**
   * Without an open response there is nothing to read. Behind fetch's body there is always a web stream that would take more, and
   * whose own reader cannot be seen; so is what stands behind undici's interceptors.
   */
  hasReader(): boolean | undefined {
    if (!this.#notes.responseOpen) return false;
    const body = this.#body();
    if (!body || this.#isReaderUnseen()) return undefined;
    // Of a stream that only takes bytes, what stands behind it tells.
    return isReadable(body) ? hasReader(body) : undefined;
  }

  request(): HttpFacts {
    const { method, url, base, responseOpen } = this.#notes;
    return {
      ...{ role: 'client', method, url, route: undefined, unmatched: false, base },
      bodyComplete: !responseOpen,
      contentLength: undefined,
      responding: responseOpen,
      responseStarted: responseOpen,
      responseEnded: !responseOpen,
      readerUnseen: responseOpen && this.#isReaderUnseen(),
    };
  }

  /** stream() writes to the application's stream itself. */
  pipedTo(): readonly object[] {
    const body = this.#body();
    const result = undiciResultOf(this.#notes.request);
    return [...(body === undefined || isReadable(body) ? onwardFrom(body) : [body]), ...(result ? [result] : [])];
  }

  end(error: Error): void {
    destroyWith(this.#socket, error);
  }

  #isReaderUnseen(): boolean {
    return this.#body() === undefined || isFetch(this.#notes.request);
  }

  #body(): object | undefined {
    const { request } = this.#notes;
    return request && undiciBodyOf(request);
  }
}

/** The request of undici or fetch that a socket carries, or carried last. */
export function outboundRequestOf(socket: Socket): OutboundNotes | undefined {
  const requests = notesOf(socket)?.outbound;
  return requests?.find(({ responseOpen }) => responseOpen) ?? requests?.[0];
}

/** fetch's handler is a plain object; undici's own are instances of a class. */
function isFetch(request: object | undefined): boolean {
  return fact(() => Object.getPrototypeOf(undiciHandlerOf(request)) === Object.prototype, true);
}
