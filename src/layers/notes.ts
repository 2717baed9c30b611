import type { Server, Socket } from 'node:net';
import { shared } from '../base/shared-state.js';
import type { SpanIds } from './spans.js';

/** What was asked of this process in one inbound request. */
export interface RequestNotes {
  method: string | undefined;
  url: string | undefined;
  /** Fastify's route pattern, where its tracing channel told it. */
  route: string | undefined;
  /** True where that channel told that the router found no route. */
  unmatched: boolean;
  /** Whose request it is: where it is followed beyond its socket, and the route is to be looked up. */
  readonly server: Server | undefined;
  /** False where the route's own configuration says that its sockets are not to be reclaimed. */
  reclaim: boolean;
  /** What its route's own configuration says, ms. */
  closeWaitTimeout?: number | undefined;
  /** It ended HTTP on its connection (`Upgrade`, CONNECT): no request listener and no router saw it. */
  readonly upgraded?: true;
}

/** Where an outbound request or connection came from. */
export interface Origin {
  /** The inbound request whose handler asked for it. */
  readonly requestedBy: RequestNotes | undefined;
  /** The application's own frames at that moment. */
  readonly stack: string | undefined;
  /** The span that was active at that moment, where a tracing library tells. */
  readonly span?: SpanIds | undefined;
}

/** What the diagnostics channels said about a socket: strings and small objects, nothing that keeps a request alive that has ended. */
export interface SocketNotes {
  /** Last inbound request on this connection. */
  request: RequestNotes | undefined;
  /** undici's and fetch's requests on this connection that are under way, oldest first; else the last one. */
  outbound: OutboundNotes[];
  /** Where an outbound connection came from. A request on it may have come from elsewhere. */
  origin: Origin | undefined;
  /** The process that sent it over IPC. */
  receivedFrom?: number;
  /** It was opened by a CONNECT of node:http. */
  tunnel?: Tunnel;
  /** It belongs to this library itself (a client that hangs up): it is nobody's leak. */
  ours?: true;
}

export interface Tunnel {
  /** What was asked for, as in `db:5432`. */
  readonly target: string | undefined;
  /** The ClientRequest, while somebody has it: nothing leads back to it once its socket is the application's. */
  readonly request: WeakRef<object>;
}

export interface OutboundNotes {
  readonly method: string | undefined;
  readonly url: string | undefined;
  /** As in `http://inventory:8080`. */
  readonly base: string | undefined;
  readonly origin: Origin | undefined;
  /** undici's own object for it, from which the response's body is reached; undefined once it has ended. */
  request: object | undefined;
  /** Its response's headers came, and its last byte has not been taken. */
  responseOpen: boolean;
  /** Of the response, once its headers came. */
  status?: number;
}

/**
 * Where the notes hang on the socket, so that they die with it. A WeakMap would say the same and cost every collection of
 * a server with many short connections: its entries are looked through one by one.
 */
const kNotes = Symbol.for('close-wait-guard.notes');

type Noted = Socket & { [kNotes]?: SocketNotes | undefined };

export function notesOf(socket: Socket): SocketNotes | undefined {
  return (socket as Noted)[kNotes];
}

export function ensureNotes(socket: Socket): SocketNotes {
  const noted: Noted = socket;
  return (noted[kNotes] ??= { request: undefined, outbound: [], origin: undefined });
}

/** Takes them off again. */
export function dropNotes(socket: Socket): void {
  Reflect.deleteProperty(socket, kNotes);
}

const least = shared('least-time-out', () => ({ ms: Number.POSITIVE_INFINITY }));

/** Notes what a route's own configuration says of `closeWaitTimeout`, ms. */
export function noteTimeOut(request: RequestNotes, ms: number | undefined): void {
  if (ms === undefined) return;
  // A pipelined request shares its socket with those before it.
  request.closeWaitTimeout = Math.max(request.closeWaitTimeout ?? 0, ms);
  noteLeastTimeOut(ms);
}

/** Some route has this one: of sockets that are idle for as long it is asked. */
export function noteLeastTimeOut(ms: number): void {
  if (ms < least().ms) least().ms = ms;
}

/** The shortest that was ever noted, ms; Infinity where none was. */
export function leastNotedTimeOut(): number {
  return least().ms;
}

/** Says that this library has made the socket for itself. */
export function noteOurs(socket: Socket): void {
  ensureNotes(socket).ours = true;
}

/** Where ClientRequests of node:http came from; a pooled socket carries one after another. */
const origins = shared('origins', () => new WeakMap<object, Origin>());

export function noteOrigin(clientRequest: object, origin: Origin): void {
  origins().set(clientRequest, origin);
}

export function originOf(clientRequest: unknown): Origin | undefined {
  return typeof clientRequest === 'object' && clientRequest !== null ? origins().get(clientRequest) : undefined;
}
