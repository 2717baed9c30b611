import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import timers from 'node:timers';
import { subscribeAll } from '../base/channels.js';
import { shared } from '../base/shared-state.js';
import { httpMessageOf, objectProperty, stringProperty } from './node-internals.js';
import { ensureNotes, noteOrigin, notesOf, originOf } from './notes.js';
import { currentOrigin, enterRequest, isTracing } from './origin.js';
import { noteTlsAbove } from './tls.js';

interface InboundRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly server: Server;
}

const requests = shared('request-listeners', () => ({ count: 0 }));

/**
 * Also notes every HTTP/1 request of the process. Left out where nobody needs it: for each request it costs as much as all
 * the rest together. Returns its dispose function.
 */
export function listenForRequests(onError: () => void): () => void {
  requests().count++;
  const unsubscribe = subscribeAll(
    {
      'http.server.request.start': ({ request, socket, server }: InboundRequest) => {
        noteRequest(socket, request, server);
      },
    },
    onError,
  );
  return () => {
    requests().count--;
    unsubscribe();
  };
}

/** Runs once for every HTTP/1 request of the process. */
export function noteRequest(socket: Socket, request: IncomingMessage, server?: Server): void {
  let notes = notesOf(socket);
  if (!notes) {
    notes = ensureNotes(socket);
    // Under TLS the announced socket is the raw one and the request's is the TLSSocket above it.
    noteTlsAbove(socket);
  }
  const last = notes.request;
  // Nearly every request: one of a connection that has had others, none of which is being responded to.
  if (last !== undefined && !isTracing() && httpMessageOf(socket) === undefined) {
    last.method = request.method;
    last.url = request.url;
    last.route = undefined;
    last.unmatched = false;
    last.reclaim = true;
    last.closeWaitTimeout = undefined;
    return;
  }
  // A pipelined request shares its socket with those before it that are still being answered, and their route's say.
  const reclaim = last?.reclaim !== false || httpMessageOf(socket) === undefined;
  if (last === undefined || isTracing()) {
    const { method, url } = request;
    notes.request = { method, url, route: undefined, unmatched: false, server, reclaim, closeWaitTimeout: undefined };
    enterRequest(notes.request);
    return;
  }
  // Nobody else holds them: one object serves all requests of a connection.
  last.method = request.method;
  last.url = request.url;
  last.route = undefined;
  last.unmatched = false;
  last.reclaim = reclaim;
}

export function noteClientRequest({ request }: { request: object }): void {
  // It has its socket in the next turn, unless it waits for a place in a pool.
  if (stringProperty(request, 'method') === 'CONNECT') timers.setImmediate(noteTunnel, request).unref();
  if (originOf(request)) return;
  const origin = currentOrigin();
  if (origin) noteOrigin(request, origin);
}

function noteTunnel(request: object): void {
  const socket = objectProperty<Socket>(request, 'socket');
  if (socket) ensureNotes(socket).tunnel = { target: stringProperty(request, 'path'), request: new WeakRef(request) };
}

/** Whether every HTTP/1 request is noted already, see {@link listenForRequests}. */
export function areRequestsNoted(): boolean {
  return requests().count > 0;
}

/** A response has come, so its request has a socket: a TLSSocket, perhaps, that was put on a proxy's connection. */
export function noteClientResponse({ request }: { request: { readonly socket?: Socket | null } }): void {
  if (request.socket) noteTlsAbove(request.socket);
}
