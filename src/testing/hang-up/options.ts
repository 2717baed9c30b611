import type { Server } from 'node:net';
import { badOption } from '../../base/errors.js';
import { checkOptionNames, describeRange, integerIn } from '../../base/options.js';
import type { LeakReport } from '../../leaks/report.js';
import type { ServerHolder } from '../check/options.js';
import type { HangUpHandler } from './handled.js';

/**
 * When the client hangs up. `connect`: connected, nothing sent. `mid-headers`: in the middle of the headers. `headers`: after the
 * headers. `mid-body`: in the body. `request`: the request is sent whole. `mid-response`: the response has begun. `response`: it
 * has come whole. `upgrade`: the server has answered an upgrade (101) or a CONNECT (2xx). `idle`: the response has come whole
 * and the connection has been quiet for a while, as a keep-alive connection is.
 */
export const HANG_UP_MOMENTS = [
  'connect',
  'mid-headers',
  'headers',
  'mid-body',
  'request',
  'mid-response',
  'response',
  'upgrade',
  'idle',
] as const;
export type HangUpMoment = (typeof HANG_UP_MOMENTS)[number];

/**
 * How the client hangs up. `fin`: half-close (shutdown(2) with SHUT_WR), it goes on reading. `close`: close(2); a reset where
 * bytes of the server are unread, as the kernel has it. `reset`: RST (close with SO_LINGER 0). `vanish`: it stops reading and
 * keeps the connection.
 */
export const HANG_UP_WAYS = ['fin', 'close', 'reset', 'vanish'] as const;
export type HangUpWay = (typeof HANG_UP_WAYS)[number];

/** What to connect to: a server of this process (it is made to listen on 127.0.0.1 when it does not listen), or an http(s) or tcp URL. */
export type HangUpTarget = Server | ServerHolder | URL | string;

/** A body: bytes, a size in bytes (filler), or what yields bytes (sent chunked, unless the headers have a content-length). */
export type HangUpBody =
  string | Uint8Array | number | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** An HTTP/1.1 request, which is sent as it is: nothing corrects it. */
export interface HangUpRequest {
  /** @default 'GET'; 'POST' with a body, but for an upgrade */
  readonly method?: string | undefined;
  /** Path and query. @default '/' */
  readonly path?: string | undefined;
  /** Added to `host` and, with a body, `content-type` and `content-length`; these are replaced when given, left out when undefined. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /**
   * @default none for GET, HEAD, DELETE, OPTIONS, TRACE and CONNECT; for other methods as many bytes as Node leaves unread
   * behind an unread body while the client's FIN still arrives. With `at: 'upgrade'`, what is sent once the server has switched;
   * a ping by default, if it has switched to `websocket`.
   */
  readonly body?: HangUpBody | undefined;
}

export interface HangUpOptions {
  readonly at: HangUpMoment;
  /** @default 'fin' */
  readonly how?: HangUpWay | undefined;
  /**
   * `mid-headers`, `mid-body`: how many bytes of the head or body are sent. `mid-response`: how many bytes of the response
   * are read. @default half of the head; all of the body but its last byte; 1 byte of the response
   */
  readonly afterBytes?: number | undefined;
  /**
   * False: after its `fin` the client reads nothing any more, so that what the server still writes stays unsent.
   * @default true
   */
  readonly readsOn?: boolean | undefined;
  /**
   * How long the moment may take to come, and after it how long the server may take to close its end, in milliseconds, 1 to
   * 600,000. @default 1500
   */
  readonly deadlineMs?: number | undefined;
  /**
   * A status of 400 to 599 that the test is about, as in 404: then it is no error that no handler ran. @default none
   */
  readonly expectedStatus?: number | undefined;
}

/** What the server did with its end of the connection. */
export interface HangUpResult {
  /** False when the moment did not come (no response, no upgrade) before the server closed or the deadline passed. */
  readonly reached: boolean;
  /**
   * The server has closed its end: as the kernel tells it for a server on this host, else as far as the client could see,
   * which after `close`, `reset` and `vanish` is nothing: then undefined.
   */
  readonly closed: boolean | undefined;
  /** From when the client hung up to the server's close, or to the deadline, ms. */
  readonly afterMs: number;
  /** The server's end of this connection, where it is leaked and the server is in this process. */
  readonly leak?: LeakReport | undefined;
  /** What the client received of the response; undefined when its head did not come. */
  readonly response?: HangUpResponse | undefined;
  readonly handler: HangUpHandler;
  /** What to do about a response of 400 or more that the handler did not give, as in `415: give it a content-type that the route takes`. */
  readonly hint?: string | undefined;
}

export interface HangUpResponse {
  readonly statusCode: number;
  /** Names in lower case; of repeated ones the values joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Body bytes received, as they were on the wire (chunk sizes not counted). */
  readonly bodyBytes: number;
  /** All of it came. */
  readonly complete: boolean;
}

export const HANG_UP_DEFAULTS = Object.freeze({ how: 'fin', readsOn: true, deadlineMs: 1_500 } as const);

const OPTION_NAMES = new Set(['at', 'how', 'afterBytes', 'readsOn', 'deadlineMs', 'expectedStatus']);
const DEADLINE_RANGE = Object.freeze([1, 600_000] as const);
const STATUS_RANGE = Object.freeze([400, 599] as const);
const BYTES_RANGE = Object.freeze([0, 1_000_000_000] as const);
const MOMENTS_IN_BYTES: ReadonlySet<HangUpMoment> = new Set(['mid-headers', 'mid-body', 'mid-response']);

export interface ResolvedHangUpOptions {
  readonly at: HangUpMoment;
  /** How long the moment may take to come, ms; for the server to close it is `deadlineMs`. */
  readonly momentMs: number;
  readonly how: HangUpWay;
  readonly afterBytes: number | undefined;
  readonly readsOn: boolean;
  readonly deadlineMs: number;
  readonly expectedStatus: number | undefined;
}

/** @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes. */
export function resolveHangUpOptions(options: HangUpOptions): ResolvedHangUpOptions {
  checkOptionNames(options, OPTION_NAMES);
  const { at, afterBytes, expectedStatus } = options;
  const how = options.how ?? HANG_UP_DEFAULTS.how;
  const readsOn = options.readsOn ?? HANG_UP_DEFAULTS.readsOn;
  const deadlineMs = options.deadlineMs ?? HANG_UP_DEFAULTS.deadlineMs;
  if (!HANG_UP_MOMENTS.includes(at)) throw badOption('at', at, `one of ${HANG_UP_MOMENTS.join(', ')}`);
  if (!HANG_UP_WAYS.includes(how)) throw badOption('how', how, `one of ${HANG_UP_WAYS.join(', ')}`);
  if (!integerIn(deadlineMs, DEADLINE_RANGE)) {
    throw badOption('deadlineMs', deadlineMs, describeRange(DEADLINE_RANGE, 'a whole number of milliseconds'));
  }
  if (afterBytes !== undefined) {
    if (!integerIn(afterBytes, BYTES_RANGE)) {
      throw badOption('afterBytes', afterBytes, describeRange(BYTES_RANGE, 'a whole number of bytes'));
    }
    if (!MOMENTS_IN_BYTES.has(at)) {
      throw badOption(
        'afterBytes',
        afterBytes,
        `no value with at: '${at}', only with ${[...MOMENTS_IN_BYTES].join(', ')}`,
      );
    }
  }
  if (typeof (readsOn as unknown) !== 'boolean') throw badOption('readsOn', readsOn, 'true or false');
  if (!readsOn && how !== 'fin') throw badOption('readsOn', readsOn, `no false with how: '${how}', only with 'fin'`);
  if (expectedStatus !== undefined && !integerIn(expectedStatus, STATUS_RANGE)) {
    throw badOption('expectedStatus', expectedStatus, describeRange(STATUS_RANGE, 'a status code'));
  }
  return { at, momentMs: deadlineMs, how, afterBytes, readsOn, deadlineMs, expectedStatus };
}
