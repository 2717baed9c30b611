import { randomBytes } from 'node:crypto';
import { getDefaultHighWaterMark } from 'node:stream';
import { badArgument, badOption } from '../../base/errors.js';
import type { HangUpBody, HangUpMoment, HangUpRequest, ResolvedHangUpOptions } from './options.js';
import { webSocketPing } from './web-socket.js';

/**
 * An unread body that keeps the server from noticing its client's FIN, while the kernel still takes the FIN. Node takes one
 * read (64 KiB) and a high-water mark's worth (16 KiB in Node 20, 64 KiB later) of a body that nobody reads: a smaller one is
 * taken whole, with the FIN behind it. One larger by more than the first receive window (64 KiB) holds back the FIN itself,
 * and the socket stalls, which takes longer to tell from a slow reader.
 */
export const UNREAD_BODY_BYTES = 65_536 + getDefaultHighWaterMark(false) + 24_576;

/**
 * One that a chain of streams begins to read and drops when its end fails (stream.pipeline to a file that cannot be written):
 * larger by what the chain has taken by then. Measured on Node 20, and on 22, 24 and 26, whose streams take more.
 */
export const ABANDONED_BODY_BYTES = getDefaultHighWaterMark(false) > 16_384 ? 262_144 : 172_032;

/** What is sent. It can be cut off after any byte. */
export interface Message {
  /** Of the request; undefined when raw bytes were given, which need not be HTTP. */
  readonly method: string | undefined;
  /** Method and target, as in `POST /items/7`; undefined as `method` is. */
  readonly asked: string | undefined;
  /** Request line and headers; empty with raw bytes. */
  readonly head: Buffer;
  readonly body: Body | undefined;
}

export interface Body {
  /** Undefined where a generator makes it. */
  readonly length: number | undefined;
  /** Its bytes on the wire, the first `end` of them. */
  readonly pieces: (end: number) => Iterable<Buffer> | AsyncIterable<Buffer>;
  /** What is sent after it, where no content-length says where it ends. */
  readonly terminator: Buffer | undefined;
  /** It is a WebSocket's, and nothing for a server that has switched to another protocol. */
  readonly forWebSocket?: true;
}

const REQUEST_TAKES = 'an object { method, path, headers, body }, a string or bytes';
const BODY_TAKES =
  'a string, bytes, a size in bytes (a whole number from 0 to 1000000000), or an iterable of strings or bytes';
const NO_BODY_BY_DEFAULT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);
const RAW_MOMENTS: readonly HangUpMoment[] = ['connect', 'mid-body', 'request', 'mid-response', 'idle'];

/** @throws GuardError CWG_ERR_ARGUMENT, CWG_ERR_OPTION when the request has no such moment. */
export function messageOf(
  request: HangUpRequest | string | Uint8Array,
  authority: string,
  { at, afterBytes }: ResolvedHangUpOptions,
): Message {
  if (typeof request === 'string' || request instanceof Uint8Array) {
    if (!RAW_MOMENTS.includes(at))
      throw badOption('at', at, `one of ${RAW_MOMENTS.join(', ')} where the request is raw bytes`);
    return checkLengths(
      { method: undefined, asked: undefined, head: Buffer.alloc(0), body: bodyOf(request) },
      at,
      afterBytes,
    );
  }
  if (typeof request !== 'object' || (request as unknown) === null)
    throw badArgument('the request given to hangUp()', request, REQUEST_TAKES);
  const {
    method = request.body === undefined || at === 'upgrade' ? 'GET' : 'POST',
    path = '/',
    headers = {},
  } = request;
  if (typeof method !== 'string' || method === '') throw badArgument(`the request's method`, method, 'an HTTP method');
  if (typeof path !== 'string' || path === '')
    throw badArgument(`the request's path`, path, 'a path, as in /items/7?full=1');
  if (typeof headers !== 'object' || (headers as unknown) === null)
    throw badArgument(`the request's headers`, headers, 'an object');
  const own = lowerCased(headers);
  const body = request.body === undefined ? bodyByDefault(method, at) : bodyOf(request.body);
  const all: Record<string, string | readonly string[] | undefined> = {
    host: authority,
    ...(at === 'upgrade' ? upgradeHeaders(method) : bodyHeaders(body)),
    ...own,
  };
  const chunked =
    at !== 'upgrade' && body !== undefined && body.length === undefined && all['content-length'] === undefined;
  const message = {
    method,
    asked: `${method} ${path}`,
    head: headOf(method, path, all),
    body: body && (chunked ? inChunks(body) : body),
  };
  return checkLengths(message, at, afterBytes);
}

function bodyByDefault(method: string, at: HangUpMoment): Body | undefined {
  // What comes over a WebSocket and is not read hides the client's FIN. A ping is nothing that an application is called for.
  if (at === 'upgrade') return { ...bodyOf(webSocketPing()), forWebSocket: true };
  return NO_BODY_BY_DEFAULT.has(method) ? undefined : bodyOf(UNREAD_BODY_BYTES);
}

function checkLengths(message: Message, at: HangUpMoment, afterBytes: number | undefined): Message {
  const { method, head, body } = message;
  if (at === 'mid-headers' && afterBytes !== undefined && afterBytes >= head.length) {
    throw badOption('afterBytes', afterBytes, `fewer bytes than the head has (${head.length})`);
  }
  if (at !== 'mid-body') return message;
  if (body === undefined || body.length === 0) {
    throw badOption('at', at, `a moment that the request has: this ${method ?? 'one'} has no body; give it one`);
  }
  if (afterBytes !== undefined && body.length !== undefined && afterBytes >= body.length) {
    throw badOption('afterBytes', afterBytes, `fewer bytes than the body has (${body.length})`);
  }
  return message;
}

function headOf(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Buffer {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (value === undefined ? [] : [value].flat()).map((one) => `${name}: ${one}`),
  );
  return Buffer.from(`${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Header names are case-insensitive: one that is given replaces ours. */
function lowerCased(
  headers: NonNullable<HangUpRequest['headers']>,
): Record<string, string | readonly string[] | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function bodyHeaders(body: Body | undefined): Record<string, string> {
  if (!body) return {};
  const framing =
    body.length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': `${body.length}` };
  return { 'content-type': 'application/octet-stream', ...framing };
}

/** A WebSocket handshake (RFC 6455, 4.1): the upgrade that most servers know. */
function upgradeHeaders(method: string): Record<string, string> {
  if (method === 'CONNECT') return {};
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  };
}

function bodyOf(given: HangUpBody): Body {
  if (typeof given === 'number') {
    if (!Number.isInteger(given) || given < 0 || given > 1e9)
      throw badArgument(`the request's body`, given, BODY_TAKES);
    return { length: given, pieces: (end) => filler(Math.min(given, end)), terminator: undefined };
  }
  if (typeof given === 'string' || given instanceof Uint8Array) {
    const bytes = Buffer.from(given as string);
    return { length: bytes.length, pieces: (end) => [bytes.subarray(0, end)], terminator: undefined };
  }
  const isIterable =
    typeof given === 'object' &&
    (given as unknown) !== null &&
    (Symbol.iterator in given || Symbol.asyncIterator in given);
  if (!isIterable) throw badArgument(`the request's body`, given, BODY_TAKES);
  return { length: undefined, pieces: (end) => cut(given, end), terminator: undefined };
}

/** Written at once: how bytes are cut into segments decides how many of them fit into a receive window. */
const FILLER = Buffer.alloc(1_048_576, 'x');

function* filler(bytes: number): Iterable<Buffer> {
  for (let left = bytes; left > 0; left -= FILLER.length) yield FILLER.subarray(0, left);
}

async function* cut(
  given: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  end: number,
): AsyncGenerator<Buffer> {
  let left = end;
  for await (const piece of given) {
    if (typeof piece !== 'string' && !((piece as unknown) instanceof Uint8Array)) {
      throw badArgument(`a piece of the request's body`, piece, 'a string or bytes');
    }
    const bytes = Buffer.from(piece as string).subarray(0, left);
    left -= bytes.length;
    yield bytes;
    if (left === 0) return;
  }
}

/** Each piece as a chunk of the chunked transfer coding (RFC 9112, 7.1). */
function inChunks(body: Body): Body {
  return {
    length: undefined,
    async *pieces(end) {
      for await (const piece of body.pieces(end)) {
        // A chunk of no bytes would end the body.
        if (piece.length > 0)
          yield Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
      }
    },
    terminator: Buffer.from('0\r\n\r\n'),
  };
}
