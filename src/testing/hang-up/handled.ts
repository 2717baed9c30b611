import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import { subscribeAll } from '../../base/channels.js';
import { notesOf, type RequestNotes } from '../../layers/notes.js';
import { currentOrigin } from '../../layers/origin.js';
import { recognise } from '../../routes/recognise.js';

/**
 * Whether the application's handler ran for the request. `ran`; `failed`: it, or a hook before it, threw, was rejected or
 * answered 500; `not-run`; `unknown`: nothing tells, as on a plain http server, whose one listener is all handlers.
 */
export type HangUpHandler = 'ran' | 'failed' | 'not-run' | 'unknown';

/** What a server of this process made of a request of ours. */
export interface Handled {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly server: Server;
  /** What Fastify's own channel says; undefined where it said nothing. */
  fastify: 'ran' | 'failed' | 'unknown' | undefined;
}

interface Started {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly server: Server;
}

/** On Fastify's channel (fastify.dev, "Diagnostics Channel"). */
interface Handling {
  readonly request?: { readonly raw?: IncomingMessage };
  readonly error?: unknown;
}

/** On which Node and undici tell of a request or connection to another server, in the context of who makes it. */
const ASKING = ['net.client.socket', 'http.client.request.start', 'undici:request:create'] as const;

/** A ClientRequest of node:http, where it is one. */
interface Asking {
  readonly request?: { readonly destroyed?: unknown; readonly res?: { readonly complete?: unknown } | null };
}

/** The requests of our clients as servers of this process see them, by the client's port: the last one of each. */
export class HandledRequests {
  readonly #clientPorts: ReadonlySet<number>;
  readonly #byPort = new Map<number, Handled>();
  readonly #byRequest = new WeakMap<object, Handled>();
  readonly #asking = new WeakMap<RequestNotes, Asking[]>();
  /** The one whose handler is being called in this very turn. */
  #calling: Handled | undefined;
  readonly #unsubscribe: () => void;

  constructor(clientPorts: ReadonlySet<number>) {
    this.#clientPorts = clientPorts;
    this.#unsubscribe = subscribeAll(
      {
        'http.server.request.start': (started: Started) => {
          this.#note(started);
        },
        'tracing:fastify.request.handler:start': ({ request }: Handling) => {
          const handled = this.#of(request?.raw);
          if (!handled) return;
          handled.fastify = 'ran';
          this.#calling = handled;
        },
        'tracing:fastify.request.handler:end': () => {
          this.#calling = undefined;
        },
        'tracing:fastify.request.handler:error': ({ request, error }: Handling) => {
          const handled = this.#of(request?.raw);
          if (!handled) return;
          if (statusOf(error) >= 500) handled.fastify = 'failed';
          // Fastify says the same of a preHandler hook that turned the request away, and of a handler that throws at once.
          else if (this.#calling === handled) handled.fastify = 'unknown';
        },
        ...Object.fromEntries(ASKING.map((channel) => [channel, (asking: Asking) => this.#noteAsking(asking)])),
      },
      () => undefined,
    );
  }

  of(clientPort: number | undefined): Handled | undefined {
    return clientPort === undefined ? undefined : this.#byPort.get(clientPort);
  }

  /** Whether its handler has asked another server for something so far, over a connection that may leak. */
  hasAsked({ socket }: Handled): boolean {
    const request = notesOf(socket)?.request;
    return request !== undefined && this.#asking.has(request);
  }

  /** Whether one of them is under way: its connection may be leaked yet. Only node:http shows that. */
  isAsking({ socket }: Handled): boolean {
    const origin = notesOf(socket)?.request;
    const all = (origin && this.#asking.get(origin)) ?? [];
    return all.some(({ request }) => request?.destroyed === false && request.res?.complete === false);
  }

  close(): void {
    this.#unsubscribe();
    this.#byPort.clear();
  }

  #note({ request, response, socket, server }: Started): void {
    const { remotePort } = socket;
    if (remotePort === undefined || !this.#clientPorts.has(remotePort)) return;
    const handled: Handled = { request, response, socket, server, fastify: undefined };
    this.#byPort.set(remotePort, handled);
    this.#byRequest.set(request, handled);
  }

  #noteAsking(asking: Asking): void {
    const origin = currentOrigin()?.requestedBy;
    if (!origin) return;
    const all = this.#asking.get(origin);
    if (all) all.push(asking);
    else this.#asking.set(origin, [asking]);
  }

  #of(raw: object | undefined): Handled | undefined {
    return raw && this.#byRequest.get(raw);
  }
}

/** What Fastify answers an error with. */
function statusOf(error: unknown): number {
  const { statusCode, status } = (error ?? {}) as { readonly statusCode?: unknown; readonly status?: unknown };
  return ([statusCode, status].find((code) => typeof code === 'number' && code >= 400) as number | undefined) ?? 500;
}

/**
 * Whether the handler ran, of a request that reached a listener of the server.
 * @param isFastify the server is known to be Fastify's: where its channel says nothing, no handler ran
 */
export function handlerOf({ request, response, server, fastify }: Handled, isFastify: boolean): HangUpHandler {
  const ran = response.headersSent && response.statusCode === 500 ? 'failed' : 'ran';
  if (fastify) return fastify === 'ran' ? ran : fastify;
  if (isFastify) return 'not-run';
  if (recognise(request, server)?.framework !== 'express') return 'unknown';
  if ((request as { readonly route?: unknown }).route) return ran;
  return isFinalHandlers(response) ? 'not-run' : 'unknown';
}

/** Express's last resort, finalhandler, answers with these headers what no middleware and no route has taken. */
function isFinalHandlers(response: ServerResponse): boolean {
  return (
    response.headersSent &&
    response.getHeader('content-security-policy') === "default-src 'none'" &&
    response.getHeader('x-content-type-options') === 'nosniff'
  );
}
