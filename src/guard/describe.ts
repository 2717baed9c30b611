import type { Server } from 'node:net';
import { unpackEndpoints } from '../kernel/endpoints.js';
import type { NativeBinding } from '../kernel/native.js';
import { TcpState, tcpStateName } from '../kernel/tcp-states.js';
import { diagnose } from '../leaks/diagnosis.js';
import type { LeakKind, LeakReport } from '../leaks/report.js';
import { safeHost, safeMethod, safePath } from '../leaks/sanitise.js';
import { sentencesFor } from '../leaks/sentences.js';
import type { Sighting, TrackedSocket } from '../leaks/tracker.js';
import type { Departed, HttpFacts } from '../sockets/facts.js';
import type { RequestNotes } from '../sockets/notes.js';
import type { RoutedRequest, RouteInfo } from '../sockets/servers.js';
import {
  bufferedBytes,
  destinationHostOf,
  inboundMessageOf,
  inboundRequestOf,
  originOfSocket,
  streamFactsOf,
} from '../sockets/stream-facts.js';

/** A departed socket in the tracker's terms. */
export function sightingOf(departed: Departed): Sighting {
  const { record, socket } = departed;
  return {
    id: departed.cookie,
    kind: kindOf(record.state),
    state: record.state,
    readBytes: record.bytesReceived - Math.max(0, record.unreadBytes),
    bufferedBytes: socket ? bufferedBytes(socket) : 0,
    ackedBytes: record.bytesAcked,
    lastAckAgeMs: record.lastAckRecvMs,
    openAtMs: departed.openAtMs,
  };
}

function kindOf(state: number): LeakKind | 'closing' {
  if (state === TcpState.CLOSE_WAIT) return 'close-wait';
  if (state === TcpState.ESTABLISHED) return 'stalled';
  return state === TcpState.CLOSE ? 'reset' : 'closing';
}

/** What servers and routes are called. */
export interface Names {
  readonly ofServer: (server: Server, port: number | undefined) => string;
  readonly ofRoute: (server: Server, request: RoutedRequest) => RouteInfo | undefined;
}

/** Whether the route of an inbound socket's request lets it be reclaimed. */
export function routeAllowsReclaim(departed: Departed, names: Names): boolean {
  const { side, socket } = departed;
  if (side !== 'inbound' || socket === undefined) return true;
  if (inboundRequestOf(socket)?.reclaim === false) return false;
  return routeInfoOf(departed, streamFactsOf(socket, side).http, names)?.reclaim !== false;
}

/** What the application says of the route that an inbound socket's request went to. */
function routeInfoOf({ server, socket }: Departed, http: HttpFacts | undefined, names: Names): RouteInfo | undefined {
  if (server === undefined || http?.method === undefined || http.url === undefined) return undefined;
  const message = socket && inboundMessageOf(socket);
  // What upgraded a connection went past the router, unless it was put there by hand: then there is a message.
  if (!message && socket && inboundRequestOf(socket)?.upgraded) return undefined;
  return names.ofRoute(server, message ?? { method: http.method, url: http.url });
}

/** Joins what the kernel, the streams and the tracker know of a socket into a report. */
export function describe(
  binding: NativeBinding,
  departed: Departed,
  tracked: TrackedSocket,
  names: Names,
  holder: number | undefined,
): LeakReport {
  const { record, socket, side } = departed;
  const endpoints = unpackEndpoints(binding, departed.endpoints);
  const stream = socket && streamFactsOf(socket, side);
  const kind = tracked.kind === 'closing' ? 'close-wait' : tracked.kind;
  const http = stream?.http;
  const unreadKernelBytes = Math.max(0, record.unreadBytes);
  const unreadStreamBytes = socket ? bufferedBytes(socket) : 0;
  const unsentBytes = Math.max(0, record.unsentBytes) + (stream?.writableLength ?? 0);
  const cause = diagnose({
    kind,
    side,
    detached: departed.detached,
    foreign: departed.foreignInode !== undefined,
    stream,
    unreadKernelBytes,
    unreadStreamBytes,
    unsentBytes,
  });
  const peer =
    endpoints.remoteAddress === undefined ? undefined : hostPort(endpoints.remoteAddress, endpoints.remotePort);
  const server = departed.server && names.ofServer(departed.server, endpoints.localPort);
  const method = http?.method === undefined ? undefined : safeMethod(http.method);
  const route =
    side === 'inbound'
      ? (http?.route ?? routeInfoOf(departed, http, names)?.route ?? (http?.url && safePath(http.url)))
      : undefined;
  const host = socket && side === 'outbound' ? destinationHostOf(socket) : undefined;
  const destination =
    side === 'outbound'
      ? destinationOf(http, host === undefined ? peer : hostPort(safeHost(host), endpoints.remotePort))
      : undefined;
  const origin = socket && side === 'outbound' ? originOfSocket(socket) : undefined;
  const requestedBy = origin?.requestedBy && nameOfRequest(origin.requestedBy, names);
  const { explanation, fix } = sentencesFor(cause, {
    kind,
    side,
    server,
    method,
    route,
    destination,
    peer,
    ageMs: tracked.ageMs,
    idleMs: tracked.idleMs,
    unreadKernelBytes,
    unreadStreamBytes,
    unsentBytes,
    contentLength: http?.contentLength,
    answerStarted: http?.answerStarted ?? false,
    aborted: departed.aborted,
    requestedBy,
    openedAt: origin?.stack?.split('\n', 1)[0],
    upgraded: side === 'inbound' && http !== undefined && stream?.readByHttp === false,
    leftToClientErrorListener: stream?.leftToClientErrorListener ?? false,
    pid: holder,
    fd: departed.fd,
  });
  return {
    id: departed.cookie.toString(),
    kind,
    cause,
    explanation,
    fix,
    side,
    fd: departed.fd,
    state: tcpStateName(record.state),
    server,
    method,
    route,
    destination,
    requestedBy,
    ...endpoints,
    ageMs: Math.round(tracked.ageMs),
    idleMs: Math.round(Math.min(tracked.idleMs, tracked.ageMs)),
    unreadKernelBytes,
    unreadStreamBytes,
    unsentBytes,
    stack: origin?.stack,
  };
}

/** `POST /checkout/:id`, or what the client sent where no pattern is known. */
function nameOfRequest({ method, route, url, server, upgraded }: RequestNotes, names: Names): string | undefined {
  const found = server && !upgraded ? names.ofRoute(server, { method, url })?.route : undefined;
  const path = route ?? found ?? (url && safePath(url));
  const parts = [method === undefined ? undefined : safeMethod(method), path].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}

function destinationOf(http: HttpFacts | undefined, peer: string | undefined): string | undefined {
  if (http?.base === undefined) return peer;
  return `${safePath(http.base)}${http.url === undefined ? '' : safePath(http.url)}`;
}

function hostPort(host: string, port: number | undefined): string {
  const text = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? text : `${text}:${port}`;
}
