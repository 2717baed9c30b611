import type { Server } from 'node:net';
import { fact } from '../base/fact.js';
import { unpackEndpoints, type Endpoints } from '../kernel/endpoints.js';
import type { NativeBinding } from '../kernel/native.js';
import { TcpState } from '../kernel/tcp-states.js';
import { diagnose } from '../leaks/diagnosis.js';
import type { LeakCause, LeakKind } from '../leaks/report.js';
import { safeMethod, safePath } from '../leaks/sanitise.js';
import type { Sighting, TrackedSocket } from '../leaks/tracker.js';
import type { Departed, HttpFacts, StreamFacts } from '../sockets/facts.js';
import type { RequestNotes } from '../sockets/notes.js';
import type { RouteInfo } from '../sockets/servers.js';
import {
  bufferedBytes,
  destinationHostOf,
  inboundRequestOf,
  originOfSocket,
  streamFactsOf,
} from '../sockets/stream-facts.js';
import { UNMATCHED_ROUTE } from './tallies.js';

/** What servers and routes are called. */
export interface Names {
  readonly ofServer: (server: Server, port: number | undefined) => string;
  /** Whether a plugin knows every route of this server, so that a request without one was not matched. */
  readonly knowsRoutes: (server: Server) => boolean;
  readonly ofRoute: (server: Server, method: string, url: string) => RouteInfo | undefined;
}

/**
 * All that is known of one half-closed, reset or stalled socket at one moment, looked up once. Diagnosis, labels, sentences,
 * report and the decision to reclaim read this and nothing else.
 */
export interface LeakFacts {
  readonly kind: LeakKind;
  readonly cause: LeakCause;
  readonly side: Departed['side'];
  readonly server: string | undefined;
  readonly method: string | undefined;
  readonly route: string | undefined;
  /** What counts call it: a path that the application's router does not know is no label. */
  readonly routeLabel: string | undefined;
  /** False where the route says that its sockets are not to be reclaimed. */
  readonly routeAllowsReclaim: boolean;
  readonly destination: string | undefined;
  readonly requestedBy: string | undefined;
  readonly stack: string | undefined;
  readonly endpoints: Endpoints;
  readonly peer: string | undefined;
  readonly stream: StreamFacts | undefined;
  readonly unreadKernelBytes: number;
  readonly unreadStreamBytes: number;
  readonly unsentBytes: number;
}

/** A half-closed socket in the tracker's terms. */
export function sightingOf({ record, socket, cookie, openAtMs }: Departed): Sighting {
  return {
    id: cookie,
    kind: kindOf(record.state),
    state: record.state,
    readBytes: record.bytesReceived - Math.max(0, record.unreadBytes),
    bufferedBytes: socket ? fact(() => bufferedBytes(socket), 0) : 0,
    ackedBytes: record.bytesAcked,
    lastAckAgeMs: record.lastAckRecvMs,
    openAtMs,
  };
}

export function kindOf(state: number): LeakKind | 'closing' {
  if (state === TcpState.CLOSE_WAIT) return 'close-wait';
  if (state === TcpState.ESTABLISHED) return 'stalled';
  return state === TcpState.CLOSE ? 'reset' : 'closing';
}

const NO_ENDPOINTS: Endpoints = {
  localAddress: undefined,
  localPort: undefined,
  remoteAddress: undefined,
  remotePort: undefined,
};

/** Each fact is read in its own guard: one that throws is left out, and the rest stands. */
export function leakFactsOf(
  binding: NativeBinding,
  departed: Departed,
  tracked: Pick<TrackedSocket, 'kind'>,
  names: Names,
): LeakFacts {
  const { record, socket, side, server } = departed;
  const endpoints = fact(() => unpackEndpoints(binding, departed.endpoints), NO_ENDPOINTS);
  const { remoteAddress, remotePort, localPort } = endpoints;
  const peer = remoteAddress === undefined ? undefined : hostPort(remoteAddress, remotePort);
  const stream = socket && fact(() => streamFactsOf(socket, side), undefined);
  const http = stream?.http;
  const kind = tracked.kind === 'closing' ? 'close-wait' : tracked.kind;
  const unreadKernelBytes = Math.max(0, record.unreadBytes);
  const unreadStreamBytes = socket ? fact(() => bufferedBytes(socket), 0) : 0;
  const unsentBytes = Math.max(0, record.unsentBytes) + (stream?.writableLength ?? 0);
  const cause = diagnose({
    kind,
    side,
    owned: socket !== undefined,
    detached: departed.detached,
    foreign: departed.foreignInode !== undefined,
    stream,
    unreadKernelBytes,
    unreadStreamBytes,
    unsentBytes,
  });
  const info = side === 'inbound' ? routeOf(server, http?.method, http?.url, names) : undefined;
  const route = side === 'inbound' ? (http?.route ?? info?.route ?? (http?.url && safePath(http.url))) : undefined;
  const origin = socket && side === 'outbound' ? fact(() => originOfSocket(socket), undefined) : undefined;
  return {
    kind,
    cause,
    side,
    server: server && fact(() => names.ofServer(server, localPort), undefined),
    method: http?.method === undefined ? undefined : safeMethod(http.method),
    route,
    routeLabel: route !== undefined && isUnmatched(departed, http, info, names) ? UNMATCHED_ROUTE : route,
    routeAllowsReclaim: info?.reclaim !== false && requestAllowsReclaim(departed),
    destination: side === 'outbound' ? destinationOf(departed, http, peer, remotePort) : undefined,
    requestedBy: origin?.requestedBy && nameOfRequest(origin.requestedBy, names),
    stack: origin?.stack,
    endpoints,
    peer,
    stream,
    unreadKernelBytes,
    unreadStreamBytes,
    unsentBytes,
  };
}

function isUnmatched(
  { server }: Departed,
  http: HttpFacts | undefined,
  info: RouteInfo | undefined,
  names: Names,
): boolean {
  if (http === undefined || http.route !== undefined || info !== undefined) return false;
  if (http.unmatched === true) return true;
  return server !== undefined && fact(() => names.knowsRoutes(server), false);
}

function requestAllowsReclaim({ side, socket }: Departed): boolean {
  if (side !== 'inbound' || socket === undefined) return true;
  return fact(() => inboundRequestOf(socket)?.reclaim !== false, false);
}

function routeOf(
  server: Server | undefined,
  method: string | undefined,
  url: string | undefined,
  names: Names,
): RouteInfo | undefined {
  if (!server || method === undefined || url === undefined) return undefined;
  return fact(() => names.ofRoute(server, method, url), undefined);
}

/** `POST /checkout/:id`, or what the client sent where no pattern is known. */
function nameOfRequest({ method, route, url, server }: RequestNotes, names: Names): string | undefined {
  const path = route ?? routeOf(server, method, url, names)?.route ?? (url && safePath(url));
  const parts = [method === undefined ? undefined : safeMethod(method), path].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}

function destinationOf(
  { socket }: Departed,
  http: HttpFacts | undefined,
  peer: string | undefined,
  port: number | undefined,
): string | undefined {
  if (http?.base !== undefined) return `${safePath(http.base)}${http.url === undefined ? '' : safePath(http.url)}`;
  const host = socket && fact(() => destinationHostOf(socket), undefined);
  return host === undefined ? peer : hostPort(host, port);
}

function hostPort(host: string, port: number | undefined): string {
  const text = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? text : `${text}:${port}`;
}
