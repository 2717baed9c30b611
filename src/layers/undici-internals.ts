import { objectProperty, property } from './node-internals.js';
import { underSymbol } from './symbols.js';

// What undici does not document, read as node-internals.ts reads what Node does not.

/** What undici hands a response to (`request[Symbol('handler')]`, in undici 5 to 7 and in Node's own). */
export function undiciHandlerOf(request: unknown): unknown {
  return underSymbol(request, 'handler');
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

/** What undici's client has sent on a connection and has no whole response to. */
export interface UndiciUnderWay {
  readonly request: object;
  /** Of its response, once the headers came. */
  readonly status: number | undefined;
}

/**
 * The requests that a connection of undici's client carries, oldest first: `socket[Symbol('client')]` has a queue and where in it
 * the first request begins that was sent (`running index`) and that was not (`pending index`); `socket[Symbol('parser')]` has the
 * status of the response on the wire. The same in undici 5 to 7 and in Node's own.
 */
export function undiciRequestsOn(socket: object): readonly UndiciUnderWay[] {
  const client = underSymbol(socket, 'client');
  const queue = underSymbol(client, 'queue');
  const [from, to] = [underSymbol(client, 'running index'), underSymbol(client, 'pending index')];
  if (!Array.isArray(queue) || typeof from !== 'number' || typeof to !== 'number') return [];
  const status = property(underSymbol(socket, 'parser'), 'statusCode');
  return queue
    .slice(from, to)
    .filter((request): request is object => typeof request === 'object' && request !== null)
    .map((request, i) => ({
      request,
      status: i === 0 && typeof status === 'number' && status >= 200 ? status : undefined,
    }));
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
