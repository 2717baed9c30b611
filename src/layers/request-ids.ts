import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { wallClockMs } from '../base/clock.js';
import { fact } from '../base/fact.js';
import type { Side } from '../base/vocabulary.js';
import { clientHeaderOf, httpMessageOf, property } from './node-internals.js';
import { spanOfRequest, type SpanIds } from './spans.js';
import { inboundMessageOf, originOfSocket } from './stack.js';
import { topSocketOf } from './tls.js';
import { outboundRequestOf } from './undici.js';

/** The span of a trace, and when something of it was met here, ms since 1970. */
export interface TracedAt {
  readonly traceId: string;
  readonly spanId: string;
  readonly atMs: number;
}

/**
 * What ties a request to its trace and to the other log lines about it. Undefined where neither its headers nor a tracing library
 * say.
 */
export interface RequestIds extends Fields<SpanIds> {
  readonly requestId: string | undefined;
}

type Fields<T> = { readonly [Name in keyof T]: T[Name] | undefined };

const NO_IDS: RequestIds = { traceId: undefined, spanId: undefined, traceFlags: undefined, requestId: undefined };

/** W3C Trace Context, 3.2: version, trace-id, parent-id, trace-flags. Version ff and ids of zeros are invalid; a later version may have more. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})(?<traceId>[0-9a-f]{32})-(?!0{16})(?<spanId>[0-9a-f]{16})-(?<traceFlags>[0-9a-f]{2})(?:-.{0,256})?$/;
/** Clients choose it, and it goes into logs: an id, and nothing else. */
const REQUEST_ID = /^[\w.:=+/-]{1,128}$/;

/**
 * The ids of the request that a socket carries now: those of its headers, and of its span where a tracing library tells. An inbound
 * request's own span goes before the header, which names its caller's; an outbound one's header names the span that was made for it.
 */
export function requestIdsOf(socket: Socket, side: Side): RequestIds {
  const headers = fact(() => (side === 'inbound' ? inboundHeaders(socket) : outboundHeaders(socket)), NO_HEADERS);
  const span = fact(
    () =>
      side === 'inbound'
        ? (spanOfRequest(headers.message) ?? spanInHeader(headers))
        : (spanInHeader(headers) ?? originOfSocket(socket)?.span),
    undefined,
  );
  return fact(() => {
    const requestId = headers.get('x-request-id')?.trim();
    return {
      traceId: span?.traceId,
      spanId: span?.spanId,
      traceFlags: span?.traceFlags,
      requestId: requestId && REQUEST_ID.test(requestId) ? requestId : undefined,
    };
  }, NO_IDS);
}

function spanInHeader(headers: RequestHeaders): SpanIds | undefined {
  const found = TRACEPARENT.exec(headers.get('traceparent')?.trim() ?? '')?.groups;
  if (!found) return undefined;
  const { traceId, spanId, traceFlags } = found as unknown as SpanIds;
  return { traceId, spanId, traceFlags };
}

/**
 * The headers of the request that a socket carries, read from the request itself while something still holds it: the message that came in,
 * a ClientRequest, or undici's own request. What comes more than once is undefined.
 */
interface RequestHeaders {
  /** Of an inbound request. */
  readonly message: IncomingMessage | undefined;
  /** @param name in lower case */
  readonly get: (name: string) => string | undefined;
}

const NO_HEADERS: RequestHeaders = { message: undefined, get: () => undefined };

function inboundHeaders(raw: Socket): RequestHeaders {
  const message = inboundMessageOf(raw);
  return { message, get: (name) => headerIn(property(message, 'rawHeaders'), name) };
}

function outboundHeaders(raw: Socket): RequestHeaders {
  const socket = topSocketOf(raw);
  const message = httpMessageOf(socket);
  if (message !== undefined) return { message: undefined, get: (name) => clientHeaderOf(message, name) };
  // A list of names and values in undici 6 and later; one text before.
  const headers = property(outboundRequestOf(socket)?.request, 'headers');
  const list = typeof headers === 'string' ? headers.split('\r\n').flatMap(nameAndValue) : headers;
  return { message: undefined, get: (name) => headerIn(list, name) };
}

function nameAndValue(line: string): [string, string] {
  const end = line.indexOf(':');
  return [line.slice(0, end), line.slice(end + 1).trim()];
}

/** @param headers names and values in turn */
function headerIn(headers: unknown, name: string): string | undefined {
  if (!Array.isArray(headers)) return undefined;
  let found: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [key, value] = [headers[i] as unknown, headers[i + 1] as unknown];
    if (typeof key !== 'string' || typeof value !== 'string' || key.toLowerCase() !== name) continue;
    if (found !== undefined) return undefined;
    found = value;
  }
  return found;
}

/** Undefined where there is no trace. */
export function tracedNow(ids: Partial<Pick<RequestIds, 'traceId' | 'spanId'>> | undefined): TracedAt | undefined {
  const { traceId, spanId } = ids ?? {};
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId, atMs: wallClockMs() };
}
