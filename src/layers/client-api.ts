import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import type { Framework } from '../base/vocabulary.js';
import { hasListenerNamed, hasListenerWith } from './listeners.js';
import { httpMessageOf, isServerResponse, nameOfClass, pipesOf, property, responseOf } from './node-internals.js';
import { topSocketOf } from './tls.js';
import { outboundRequestOf } from './undici.js';
import { undiciHandlerOf } from './undici-internals.js';

/** Which client library an outbound socket belongs to, by evidence alone, and what it knows of the response; plain data. */
export interface ClientFacts {
  readonly library: Framework | undefined;
  /** Of undici's calls the one that was made. */
  readonly call: UndiciCall | undefined;
  readonly status: number | undefined;
  /** http-proxy made the request, for a client of this process. */
  readonly byHttpProxy: boolean;
}

export type UndiciCall = 'request' | 'stream' | 'pipeline' | 'connect' | 'upgrade';

const UNDICI_HANDLERS: Readonly<Record<string, UndiciCall>> = {
  RequestHandler: 'request',
  StreamHandler: 'stream',
  PipelineHandler: 'pipeline',
  ConnectHandler: 'connect',
  UpgradeHandler: 'upgrade',
};

export function clientFactsOf(raw: Socket): ClientFacts {
  const socket = topSocketOf(raw);
  const message = httpMessageOf(socket);
  if (message !== undefined && !isServerResponse(message)) {
    return {
      library: clientLibraryOf(message) ?? 'http',
      call: undefined,
      status: statusOf(responseOf(message)),
      byHttpProxy: isByHttpProxy(message),
    };
  }
  const notes = outboundRequestOf(socket);
  if (notes === undefined) return { library: driverOf(socket), call: undefined, status: undefined, byHttpProxy: false };
  return { ...undiciOf(notes.request), status: notes.status, byHttpProxy: false };
}

/** The library above a ClientRequest; undefined for node:http itself and for those that leave no trace. */
export function clientLibraryOf(clientRequest: unknown): Framework | undefined {
  if (isAxios(clientRequest)) return 'axios';
  // got marks each request that it has put its time-outs on.
  if (hasSymbol(clientRequest, 'reentry')) return 'got';
  // The words of its FetchError, in version 2 and 3.
  if (hasListenerWith(clientRequest, 'error', ' failed, reason: ')) return 'node-fetch';
  // A proxy may pass on what its own client calls itself, so the header is not enough.
  if (isAwsUserAgent(clientRequest) && hasListenerWith(clientRequest, 'error', 'TimeoutError')) return 'aws-sdk';
  return undefined;
}

/** It keeps its redirects' settings on the request that follow-redirects makes, or names its listeners on one of node:http. */
function isAxios(clientRequest: unknown): boolean {
  const options = property(property(clientRequest, '_redirectable'), '_options');
  if (typeof property(options, 'beforeRedirects') === 'object') return true;
  return (
    hasListenerNamed(clientRequest, 'error', 'handleRequestError') &&
    hasListenerNamed(clientRequest, 'socket', 'handleRequestSocket')
  );
}

function isAwsUserAgent(clientRequest: unknown): boolean {
  const getHeader = property(clientRequest, 'getHeader');
  if (typeof getHeader !== 'function') return false;
  return String(fact(() => Reflect.apply(getHeader, clientRequest, ['user-agent']) as unknown, '')).startsWith(
    'aws-sdk-',
  );
}

function isByHttpProxy(clientRequest: unknown): boolean {
  return hasListenerNamed(clientRequest, 'error', 'proxyError');
}

/** Between an interceptor of undici and its handler nothing can be seen: then it may be either. */
function undiciOf(request: object | undefined): Pick<ClientFacts, 'library' | 'call'> {
  const handler = undiciHandlerOf(request);
  if (typeof handler !== 'object' || handler === null) return { library: undefined, call: undefined };
  if (fact(() => Object.getPrototypeOf(handler) === Object.prototype, false))
    return { library: 'fetch', call: undefined };
  const call = UNDICI_HANDLERS[nameOfClass(handler) ?? ''];
  return { library: call && 'undici', call };
}

/** Of a connection without HTTP: a driver is told by the listeners that it has put on its socket. */
function driverOf(socket: Socket): Framework | undefined {
  if (hasListenerNamed(socket, 'error', 'bound _handleNetworkError')) return 'mysql2';
  if (hasListenerNamed(socket, 'error', 'reportStreamError')) return 'pg';
  if (hasListenerNamed(socket, 'error', 'streamErrorHandler') && pipesOf(socket).length > 0) return 'mqtt';
  if (hasListenerWith(socket, 'error', '.silentEmit(')) return 'ioredis';
  return undefined;
}

function statusOf(response: unknown): number | undefined {
  const status = property(response, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

function hasSymbol(object: unknown, description: string): boolean {
  if (typeof object !== 'object' || object === null) return false;
  return fact(() => Object.getOwnPropertySymbols(object), []).some((symbol) => symbol.description === description);
}
