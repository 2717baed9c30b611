import type { Server, Socket } from 'node:net';
import { monotonicMs } from '../base/clock.js';
import { fact } from '../base/fact.js';
import type { HttpFacts } from './facts.js';
import { countProperty, httpMessageOf, isReadByHttp, listenersOf, requestOf, serverOf } from './node-internals.js';
import { timeoutStartOf } from './timer-internals.js';
import { topSocketOf } from './tls.js';

/** What ends a connection that nobody ends. */
export type Ending =
  /** A time-out of Node's, at the latest in so many milliseconds. */
  | { readonly by: 'requestTimeout' | 'keepAliveTimeout' | 'timeout'; readonly inMs: number }
  /** No time-out of Node's is set. */
  | 'nothing';

/**
 * What will end it; undefined where that is for a listener of the application to say, or cannot be known.
 * @param ageMs since the peer closed: its request came before that
 */
export function endingOf(raw: Socket, http: HttpFacts | undefined, ageMs: number): Ending | undefined {
  if (http?.role === 'client') return undefined;
  const socket = topSocketOf(raw);
  const timeoutMs = countProperty(socket, 'timeout') || countProperty(raw, 'timeout');
  const server = serverOf(socket) ?? serverOf(raw);
  if (!isReadByHttp(socket) || server === undefined) return timeoutMs > 0 ? undefined : 'nothing';
  // Answered or not: Node waits for the rest of the request (checkConnections, lib/_http_server.js).
  const incomplete = http?.bodyComplete === false;
  const requestTimeout = incomplete ? requestTimeoutOf(server) : 0;
  // After either http asks the application's listeners first, and leaves the socket to them.
  if (requestTimeout > 0 && listenersOf(server, 'clientError') > 0) return undefined;
  if (timeoutMs > 0 && timeoutIsHandled(socket, server)) return undefined;
  const endings: Exclude<Ending, 'nothing'>[] = [];
  if (requestTimeout > 0) {
    const inMs = Math.max(0, requestTimeout - ageMs) + countProperty(server, 'connectionsCheckingInterval');
    endings.push({ by: 'requestTimeout', inMs });
  }
  if (timeoutMs > 0)
    endings.push({ by: http?.responding ? 'timeout' : 'keepAliveTimeout', inMs: timeLeft(socket, timeoutMs) });
  return endings.sort((a, b) => a.inMs - b.inMs)[0] ?? 'nothing';
}

/** 0 where none is set, and where the server does not look: it starts to when it listens. */
function requestTimeoutOf(server: Server): number {
  return fact(() => server.listening, false) ? countProperty(server, 'requestTimeout') : 0;
}

function timeoutIsHandled(socket: Socket, server: Server): boolean {
  const response = httpMessageOf(socket);
  return [server, response, requestOf(response)].some((each) => listenersOf(each, 'timeout') > 0);
}

/** Of a socket's time-out; all of it where its timer cannot be read. */
function timeLeft(socket: Socket, timeoutMs: number): number {
  const start = timeoutStartOf(socket);
  if (start === undefined) return timeoutMs;
  return Math.min(timeoutMs, Math.max(0, start + timeoutMs - monotonicMs()));
}
