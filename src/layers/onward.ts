import { fact } from '../base/fact.js';
import { isServerResponse, pipesOf, property } from './node-internals.js';

/**
 * The streams that what is read from one goes on to by itself: its pipes, and those that a library has left on it. got reads a
 * response into a Duplex of its own, and keeps that on the response (`response.request`); union, of http-server, keeps the
 * response on an old-style stream that writes to it.
 */
export function onwardFrom(stream: unknown): readonly object[] {
  if (isReader(stream)) return [...pipesOf(stream), ...ownValues(stream).filter(isReaderAbove)];
  return isOldStream(stream) ? ownValues(stream).filter(isResponse) : pipesOf(stream);
}

/**
 * A checksum of the counts that a stream keeps itself, other than those of its buffers: `bytesWritten` of zlib and fs, what a
 * throttle or a progress bar has let through. It changes when the stream moves. Between two chunks nothing else may show that:
 * what a Transform gives to a reader that takes it at once never stays in a buffer.
 */
export function countsOf(stream: object): number {
  let sum = 0;
  const add = (value: unknown): void => {
    if (typeof value === 'number' && Number.isFinite(value)) sum = (sum * 31 + value) % Number.MAX_SAFE_INTEGER;
  };
  for (const value of ownValues(stream)) {
    add(value);
    // axios' throttle has its counts in a plain object. Those of a class (a timer, the stream's state) are not looked into.
    if (isPlainObject(value)) ownValues(value).forEach(add);
  }
  return sum;
}

/** Of the time before Readable and Writable: pipe() leaves nothing on it. http's own messages are such as well. */
function isOldStream(value: unknown): value is object {
  const isStream = typeof property(value, 'pipe') === 'function' && typeof property(value, 'write') === 'function';
  return isStream && property(value, '_writableState') === undefined;
}

function isResponse(value: unknown): value is object {
  return typeof value === 'object' && value !== null && isServerResponse(value);
}

/** A Node readable that is no socket. */
function isReaderAbove(value: unknown): value is object {
  return isReader(value) && property(value, '_handle') === undefined;
}

function isReader(value: unknown): value is object {
  return typeof property(property(value, '_readableState'), 'length') === 'number';
}

/** Without calling a getter. */
function ownValues(object: object): unknown[] {
  return fact(
    () => Reflect.ownKeys(object).map((key) => Object.getOwnPropertyDescriptor(object, key)?.value as unknown),
    [],
  );
}

/** Of whichever realm. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = prototypeOf(value);
  return prototype === null || prototypeOf(prototype) === null;
}

function prototypeOf(object: unknown): unknown {
  return fact(() => Object.getPrototypeOf(object) as unknown, undefined);
}
