import type { Server } from 'node:net';
import { safeHost, safeMethod, safePath } from '../base/escape.js';
import { fact } from '../base/fact.js';
import type { LeakCause, LeakKind } from '../base/vocabulary.js';
import { unpackEndpoints, type Endpoints } from '../kernel/endpoints.js';
import type { NativeBinding } from '../kernel/native.js';
import type { HttpFacts, StreamFacts } from '../layers/facts.js';
import type { RequestNotes } from '../layers/notes.js';
import {
  destinationHostOf,
  inboundMessageOf,
  inboundRequestOf,
  originOfSocket,
  streamFactsOf,
} from '../layers/stack.js';
import { diagnose } from '../leaks/diagnosis.js';
import type { Track } from '../leaks/tracker.js';
import type { RoutedRequest, RouteInfo } from '../sockets/servers.js';
import type { Suspect } from '../sockets/suspect.js';
import { UNMATCHED_ROUTE } from './tallies.js';

/** What servers and routes are called. */
export interface Names {
  readonly ofServer: (server: Server, port: number | undefined) => string;
  readonly ofRoute: (server: Server, request: RoutedRequest) => RouteInfo | undefined;
}

/**
 * All that is known of one half-closed, reset or stalled socket at one moment, looked up once. Diagnosis, labels, sentences,
 * report and the decision to reclaim read this and nothing else.
 */
export interface LeakFacts {
  readonly kind: LeakKind;
  readonly cause: LeakCause;
  readonly side: Suspect['side'];
  readonly server: string | undefined;
  readonly method: string | undefined;
  /** The pattern, or the path that was asked for where none is known. */
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

const NO_ENDPOINTS: Endpoints = {
  localAddress: undefined,
  localPort: undefined,
  remoteAddress: undefined,
  remotePort: undefined,
};

/** Each fact is read in its own guard: one that throws is left out, and the rest stands. */
export function leakFactsOf(
  binding: NativeBinding,
  suspect: Suspect,
  track: Pick<Track, 'kind'>,
  names: Names,
): LeakFacts {
  const { record, socket, side, server } = suspect;
  const endpoints = fact(() => unpackEndpoints(binding, suspect.endpoints), NO_ENDPOINTS);
  const { remoteAddress, remotePort, localPort } = endpoints;
  const peer = remoteAddress === undefined ? undefined : hostPort(remoteAddress, remotePort);
  const stream = socket && fact(() => streamFactsOf(socket, side), undefined);
  const http = stream?.http;
  const kind = track.kind === 'closing' ? 'close-wait' : track.kind;
  const unreadKernelBytes = Math.max(0, record.unreadBytes);
  const unreadStreamBytes = suspect.progress.bufferedBytes;
  const unsentBytes = Math.max(0, record.unsentBytes) + (stream?.writableLength ?? 0);
  const cause = diagnose({
    kind,
    side,
    owned: socket !== undefined,
    detached: suspect.detached,
    foreign: suspect.foreignInode !== undefined,
    stream,
    unreadKernelBytes,
    unreadStreamBytes,
    unsentBytes,
  });
  const info = side === 'inbound' ? routeInfoOf(suspect, http, names) : undefined;
  const route = side === 'inbound' ? (http?.route ?? info?.route ?? (http?.url && safePath(http.url))) : undefined;
  const unmatched = http?.route === undefined && (http?.unmatched === true || info?.matched === false);
  const origin = socket && side === 'outbound' ? fact(() => originOfSocket(socket), undefined) : undefined;
  return {
    kind,
    cause,
    side,
    server: server && fact(() => names.ofServer(server, localPort), undefined),
    method: http?.method === undefined ? undefined : safeMethod(http.method),
    route,
    routeLabel: route !== undefined && unmatched ? UNMATCHED_ROUTE : route,
    routeAllowsReclaim: info?.reclaim !== false && requestAllowsReclaim(suspect),
    destination: side === 'outbound' ? destinationOf(suspect, http, peer, remotePort) : undefined,
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

function requestAllowsReclaim({ side, socket }: Suspect): boolean {
  if (side !== 'inbound' || socket === undefined) return true;
  return fact(() => inboundRequestOf(socket)?.reclaim !== false, false);
}

/** It may be one that forbids it. */
const UNKNOWN_ROUTE: RouteInfo = { route: undefined, matched: undefined, reclaim: false };

/** What the application says of the route that an inbound socket's request went to. */
function routeInfoOf({ server, socket }: Suspect, http: HttpFacts | undefined, names: Names): RouteInfo | undefined {
  if (!server || http?.method === undefined || http.url === undefined) return undefined;
  const { method, url } = http;
  return fact(() => {
    const message = socket && inboundMessageOf(socket);
    // What upgraded a connection went past the router, unless it was put there by hand: then there is a message.
    if (!message && socket && inboundRequestOf(socket)?.upgraded) return undefined;
    return names.ofRoute(server, message ?? { method, url });
  }, UNKNOWN_ROUTE);
}

/** `POST /checkout/:id`, or what the client sent where no pattern is known. */
function nameOfRequest({ method, route, url, server, upgraded }: RequestNotes, names: Names): string | undefined {
  const found = server && !upgraded ? fact(() => names.ofRoute(server, { method, url })?.route, undefined) : undefined;
  const path = route ?? found ?? (url && safePath(url));
  const parts = [method === undefined ? undefined : safeMethod(method), path].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}

function destinationOf(
  { socket }: Suspect,
  http: HttpFacts | undefined,
  peer: string | undefined,
  port: number | undefined,
): string | undefined {
  if (http?.base !== undefined) return `${safePath(http.base)}${http.url === undefined ? '' : safePath(http.url)}`;
  const host = socket && fact(() => destinationHostOf(socket), undefined);
  return host === undefined ? peer : hostPort(safeHost(host), port);
}

function hostPort(host: string, port: number | undefined): string {
  const text = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? text : `${text}:${port}`;
}
