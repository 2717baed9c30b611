import type { Socket } from 'node:net';
import type { Framework, LeakReason } from '../base/vocabulary.js';
import { clientLibraryOf, undiciLibraryOf } from './client-api.js';
import { messageBeingRead } from './http1.js';
import { hasListenerNamed } from './listeners.js';
import {
  booleanProperty,
  httpMessageOf,
  listenersOf,
  nameOfClass,
  objectProperty,
  pipesOf,
  property,
} from './node-internals.js';
import { topSocketOf } from './tls.js';
import { outboundRequestOf } from './undici.js';
import { isReadable, undiciBodyOf, undiciHandlerOf } from './undici-internals.js';
import { destinationOf, type WaitsFor } from './stalled-destination.js';

/** How what an application reads from a socket (a body, or the connection itself) is being read; plain data. */
export interface ReadingFacts {
  /** Undefined where nothing tells, as where it flows. */
  readonly how: ReadingState | undefined;
  /** What it is piped to and waits for. */
  readonly waitsFor: WaitsFor | undefined;
  /** Some of it was read. Undefined where it cannot be seen. */
  readonly didRead: boolean | undefined;
}

export type ReadingState = Extract<
  LeakReason,
  | 'not-touched'
  | 'paused-by-reader'
  | 'readable-left'
  | 'iterator-stopped'
  | 'web-stream-not-read'
  | 'destination-stalled'
  | 'destination-failed'
>;

/** Streams that libraries put on a response before the application gets it. */
const PUT_ON_BY_LIBRARY =
  /^(AxiosTransformStream|ZlibHeaderTransformStream|Unzip|Gunzip|Inflate|InflateRaw|BrotliDecompress|ZstdDecompress)$/;
const MAX_STAGES = 4;
/** What Node calls the 'readable' listener of an async iterator: `next`, and `wakeup` from 26 on. */
const ITERATOR = ['next', 'wakeup'];

export function readingOf(raw: Socket): ReadingFacts | undefined {
  const socket = topSocketOf(raw);
  if (httpMessageOf(socket) !== undefined) {
    const message = messageBeingRead(socket);
    return message && readingOfStream(bodyOf(message, clientLibraryOf(httpMessageOf(socket))));
  }
  const { request } = outboundRequestOf(socket) ?? {};
  if (request === undefined) return readingOfStream(socket);
  // What undici's pipeline() returned, and its body goes on to.
  const body = objectProperty(undiciHandlerOf(request), 'ret') ?? undiciBodyOf(request);
  if (body === undefined) return undefined;
  if (isReadable(body)) return readingOfStream(bodyOf(body, undiciLibraryOf(request).library));
  // undici's stream() writes to the application's own, which need not be readable.
  return { how: needsDrain(body) ? 'destination-stalled' : undefined, waitsFor: destinationOf(body), didRead: true };
}

/** What the application holds of a response: the message, or the last of the streams that its library has put on it. */
function bodyOf(message: object, library: Framework | undefined): object {
  if (library === 'got') return objectProperty(message, 'request') ?? message;
  if (library !== 'axios' && library !== 'node-fetch' && library !== 'fetch') return message;
  // node-fetch puts one PassThrough on each; another one is the application's.
  let body = library === 'node-fetch' ? (pipesOf(message)[0] ?? message) : message;
  for (let stage = 0; stage < MAX_STAGES; stage++) {
    const [next, ...others] = pipesOf(body);
    if (next === undefined || others.length > 0 || !PUT_ON_BY_LIBRARY.test(nameOfClass(next) ?? '')) break;
    body = next;
  }
  return body;
}

function readingOfStream(stream: object): ReadingFacts {
  const didRead = booleanProperty(stream, 'readableDidRead');
  const pipes = pipesOf(stream);
  const stalled = pipes.find(needsDrain);
  const reader = isReadByUndici(stream) ? ({ kind: 'undici' } as const) : undefined;
  return {
    how: stalled ? 'destination-stalled' : howIsRead(stream, pipes, didRead),
    waitsFor: stalled ? destinationOf(stalled) : reader,
    didRead,
  };
}

function howIsRead(stream: object, pipes: readonly object[], didRead: boolean | undefined): ReadingState | undefined {
  if (pipes.length > 0) return pipes.every(isDestroyed) ? 'destination-failed' : undefined;
  if (didRead === undefined) return undefined;
  if (isReadByUndici(stream)) return 'destination-stalled';
  if (listenersOf(stream, 'readable') > 0)
    return ITERATOR.some((name) => hasListenerNamed(stream, 'readable', name)) ? 'iterator-stopped' : 'readable-left';
  const flowing = property(stream, 'readableFlowing');
  if (flowing === true) return undefined;
  // What Node's adapter calls its own.
  if (hasListenerNamed(stream, 'data', 'onData')) return 'web-stream-not-read';
  if (listenersOf(stream, 'data') > 0) return 'paused-by-reader';
  if (!didRead) return flowing === null ? 'not-touched' : 'paused-by-reader';
  return flowing === false ? 'destination-failed' : undefined;
}

/** undici reads the body of a request of its own with these three, and pauses it while its socket is full. */
function isReadByUndici(stream: object): boolean {
  return (
    hasListenerNamed(stream, 'data', 'onData') &&
    hasListenerNamed(stream, 'end', 'onFinished') &&
    hasListenerNamed(stream, 'close', 'onClose')
  );
}

/** One that was destroyed before it was piped to takes nothing, and never says so. */
function isDestroyed(writable: object): boolean {
  return booleanProperty(writable, 'destroyed') === true;
}

function needsDrain(writable: object): boolean {
  return booleanProperty(writable, 'writableNeedDrain') === true;
}
