import type { Server } from 'node:net';
import { safeMethod, safePath } from '../base/escape.js';
import { fact } from '../base/fact.js';
import { foldPath } from '../base/fold.js';
import { tcpStateName } from '../base/tcp-states.js';
import type { Framework } from '../base/vocabulary.js';
import { unpackEndpoints, type Endpoints } from '../kernel/endpoints.js';
import type { Holder } from '../kernel/holders.js';
import type { NativeBinding } from '../kernel/native.js';
import { commandOf } from '../kernel/process-command.js';
import { clientFactsOf } from '../layers/client-api.js';
import { endingOf, type Ending } from '../layers/ending.js';
import type { HttpFacts, StreamFacts } from '../layers/facts.js';
import type { RequestNotes } from '../layers/notes.js';
import { readingOf } from '../layers/reading.js';
import { requestIdsOf } from '../layers/request-ids.js';
import {
  inboundMessageOf,
  inboundRequestOf,
  originOfSocket,
  outboundConnectionOf,
  streamFactsOf,
} from '../layers/stack.js';
import type { FdHolder, LeakFacts, OtherProcess, Transferred } from '../leaks/facts.js';
import { peerOf } from '../leaks/phrases.js';
import type { Track } from '../leaks/tracker.js';
import type { RoutedRequest, RouteInfo } from '../sockets/servers.js';
import type { Suspect } from '../sockets/suspect.js';
import { destinationName } from './destination.js';
import { UNMATCHED_ROUTE } from './tallies.js';
import { nameOfWaitedFor } from './waits-for.js';

export type { LeakFacts } from '../leaks/facts.js';

/** What servers and routes are called. */
export interface Names {
  readonly ofServer: (server: Server, port: number | undefined) => string;
  readonly ofRoute: (server: Server, request: RoutedRequest) => RouteInfo | undefined;
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
  tracked: Pick<Track, 'kind'> & { readonly ageMs: number; readonly idleMs: number },
  names: Names,
  holder: Holder | undefined,
): LeakFacts {
  const { record, socket, side, server } = suspect;
  const endpoints = fact(() => unpackEndpoints(binding, suspect.endpoints), NO_ENDPOINTS);
  const stream = socket && fact(() => streamFactsOf(socket, side), undefined);
  const http = stream?.http;
  const info = side === 'inbound' ? routeInfoOf(suspect, http, names) : undefined;
  const path = side === 'inbound' && http?.url !== undefined ? pathOf(http.url) : undefined;
  const folded = path && foldPath(path);
  const pattern = side === 'inbound' ? (http?.route ?? info?.route) : undefined;
  const route = pattern ?? folded;
  const unmatched = http?.route === undefined && (http?.unmatched === true || info?.matched === false);
  const client = socket && side === 'outbound' ? fact(() => clientFactsOf(socket), undefined) : undefined;
  const reading = socket && fact(() => readingOf(socket), undefined);
  const origin = socket && side === 'outbound' ? fact(() => originOfSocket(socket), undefined) : undefined;
  const { endsInMs, endedBy } = endingFacts(socket && fact(() => endingOf(socket, http, tracked.ageMs), undefined));
  return {
    cookie: suspect.cookie,
    fd: suspect.fd,
    kind: tracked.kind === 'closing' ? 'close-wait' : tracked.kind,
    side,
    state: tcpStateName(record.state),
    aborted: suspect.aborted,
    ageMs: tracked.ageMs,
    idleMs: tracked.idleMs,
    heldBy: heldBy(suspect),
    holder: holder && processOf(holder.pid),
    transferred: transferOf(suspect, holder),
    endpoints,
    server: server && fact(() => names.ofServer(server, endpoints.localPort), undefined),
    method: http?.method === undefined ? undefined : safeMethod(http.method),
    route,
    path: route === path ? undefined : path,
    registeredAt: info?.registeredAt,
    routeLabel: route !== undefined && unmatched ? UNMATCHED_ROUTE : route,
    routeAllowsReclaim: info?.reclaim !== false && requestAllowsReclaim(suspect),
    framework: client ? client.library : frameworkOf(http, info, suspect),
    destination: side === 'outbound' ? destinationOf(suspect, http, endpoints) : undefined,
    ids: socket && requestIdsOf(socket, side),
    requestedBy: origin?.requestedBy && nameOfRequest(origin.requestedBy, names),
    stack: origin?.stack,
    stream,
    reading,
    client,
    takenBytes: stream && (takenBytes(stream) ?? (reading?.didRead === false ? 0 : undefined)),
    declaredBytes: http?.contentLength,
    waitsFor: reading?.waitsFor && fact(() => nameOfWaitedFor(reading.waitsFor!), undefined),
    endsInMs,
    endedBy,
    unreadKernelBytes: Math.max(0, record.unreadBytes),
    unreadStreamBytes: suspect.progress.bufferedBytes,
    unsentBytes: unsentBytes(record.unsentBytes, stream),
  };
}

function processOf(pid: number): OtherProcess {
  return { pid, command: fact(() => commandOf(pid), undefined) };
}

function transferOf(suspect: Suspect, holder: Holder | undefined): Transferred | undefined {
  const transfer = fact(() => suspect.transfers.of(suspect, holder), undefined);
  return transfer && { direction: transfer.direction, as: transfer.as, process: processOf(transfer.pid) };
}

/** Of a request's body; of a connection where it carries no HTTP. */
function takenBytes({ http, takenBytes }: StreamFacts): number | undefined {
  return http === undefined ? takenBytes : http.takenBytes;
}

/** Under TLS the kernel's bytes are the same ones, encrypted: they do not add up. */
function unsentBytes(inKernel: number, stream: StreamFacts | undefined): number {
  const heldBack = stream?.writableLength ?? 0;
  return stream?.encrypted ? Math.max(0, inKernel, heldBack) : Math.max(0, inKernel) + heldBack;
}

function endingFacts(ending: Ending | undefined): Pick<LeakFacts, 'endsInMs' | 'endedBy'> {
  if (ending === undefined || ending === 'nothing') return { endsInMs: undefined, endedBy: ending };
  return { endsInMs: ending.inMs, endedBy: ending.by };
}

function heldBy({ foreignInode, socket, detached }: Suspect): FdHolder {
  if (foreignInode !== undefined) return 'other-process';
  if (socket !== undefined) return 'socket';
  return detached ? 'lost-socket' : 'unknown';
}

/**
 * The plugin says it of its application's routes, and where it is not registered Fastify's channel of each handler; others are
 * known by what they leave on a request. What nobody has put a name to is written against Node's own module.
 */
function frameworkOf(
  http: HttpFacts | undefined,
  info: RouteInfo | undefined,
  { socket }: Suspect,
): Framework | undefined {
  if (http?.role !== 'server') return undefined;
  if (http.route !== undefined || http.unmatched === true) return 'fastify';
  const upgraded = socket && fact(() => inboundRequestOf(socket)?.upgraded, undefined);
  return info?.framework ?? (upgraded ? undefined : 'http');
}

function requestAllowsReclaim({ side, socket }: Suspect): boolean {
  if (side !== 'inbound' || socket === undefined) return true;
  return fact(() => inboundRequestOf(socket)?.reclaim !== false, false);
}

/** It may be one that forbids it. */
const UNKNOWN_ROUTE: RouteInfo = { route: undefined, matched: undefined, reclaim: false };

/** What the application says of the route that an inbound socket's request went to. */
export function routeInfoOf(
  { server, socket }: Suspect,
  http: HttpFacts | undefined,
  names: Names,
): RouteInfo | undefined {
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
  const path = route ?? found ?? (url && foldPath(pathOf(url)));
  const parts = [method === undefined ? undefined : safeMethod(method), path].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}

function destinationOf({ socket }: Suspect, http: HttpFacts | undefined, endpoints: Endpoints): string | undefined {
  const connection = socket && fact(() => outboundConnectionOf(socket), undefined);
  if (connection === undefined) return peerOf(endpoints);
  return destinationName(http?.role === 'client' ? http : undefined, connection, endpoints);
}

/** `http:` and an authority, in front of the path of a target in absolute form. */
const AUTHORITY = /^[a-z][a-z0-9+.-]{0,31}:\/\/[^/]*/i;

/** The path of what a client sent, in whichever form (RFC 9112, 3.2). */
export function pathOf(target: string): string {
  const path = safePath(target);
  return AUTHORITY.test(path) ? path.replace(AUTHORITY, '') || '/' : path;
}
