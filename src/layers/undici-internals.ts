import { fact } from '../base/fact.js';
import { objectProperty, property } from './node-internals.js';

// What undici does not document, read as node-internals.ts reads what Node does not.

/** What undici hands a response to (`request[Symbol('handler')]`, in undici 5 to 7 and in Node's own). */
export function undiciHandlerOf(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return undefined;
  const key = fact(() => Object.getOwnPropertySymbols(request), []).find(
    ({ description }) => description === 'handler',
  );
  return key && property(request, key);
}

/**
 * The Node stream that undici writes a response's body to, where its handler has one: request(), stream() and pipeline() keep it
 * as `res`, fetch as `body`. That of stream() is the application's own, and need not be readable. Interceptors hide the handler
 * behind a private field.
 */
export function undiciBodyOf(request: unknown): object | undefined {
  const handler = undiciHandlerOf(request);
  return [objectProperty(handler, 'res'), objectProperty(handler, 'body')].find((stream) => isStream(stream));
}

/**
 * The stream that the application reads, where that is another one: pipeline() hands what its handler returned on to `ret`.
 */
export function undiciResultOf(request: unknown): object | undefined {
  const result = objectProperty(undiciHandlerOf(request), 'ret');
  return isReadable(result) ? result : undefined;
}

function isStream(stream: unknown): boolean {
  return (
    typeof property(stream, 'readableLength') === 'number' || typeof property(stream, 'writableLength') === 'number'
  );
}

/** Whether bytes can be read from a stream. */
export function isReadable(stream: unknown): boolean {
  return typeof property(stream, 'readableLength') === 'number';
}
