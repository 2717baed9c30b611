import type { Socket } from 'node:net';
import { safePath } from '../base/escape.js';
import { fact } from '../base/fact.js';
import type { Framework } from '../base/vocabulary.js';
import { hasListenerNamed, hasListenerWith } from './listeners.js';
import {
  httpMessageOf,
  isServerResponse,
  listenersOf,
  nameOfClass,
  pipesOf,
  property,
  responseOf,
} from './node-internals.js';
import { notesOf } from './notes.js';
import { symbolNamed } from './symbols.js';
import { topSocketOf } from './tls.js';
import { outboundRequestOf } from './undici.js';
import { undiciHandlerOf } from './undici-internals.js';

/** Which client library an outbound socket belongs to, by evidence alone, and what it knows of the response; plain data. */
export interface ClientFacts {
  readonly library: Framework | undefined;
  /** Which of its APIs, where it has several. */
  readonly api?: UndiciApi | 'node-fetch 2' | undefined;
  /** Of the response. */
  readonly status: number | undefined;
  /** Set where a CONNECT of node:http opened the connection and handed it to the application: what it asked for. */
  readonly tunnelTo?: string | undefined;
}

type UndiciApi = 'request' | 'stream' | 'pipeline' | 'connect' | 'upgrade';

const UNDICI_HANDLERS: Readonly<Record<string, UndiciApi>> = {
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
    const library = clientLibraryOf(message) ?? 'http';
    const response = responseOf(message);
    return { library, ...(isNodeFetch2(library, response) && { api: 'node-fetch 2' }), status: statusOf(response) };
  }
  const notes = outboundRequestOf(socket);
  if (notes === undefined) return connectionFacts(socket);
  return { ...undiciLibraryOf(notes.request), status: notes.status };
}

function connectionFacts(socket: Socket): ClientFacts {
  const library = driverOf(socket);
  const { tunnel } = notesOf(socket) ?? {};
  // What was put on the tunnel (a driver, TLS) has the say.
  if (tunnel === undefined || library !== undefined) return { library, status: undefined };
  return {
    library,
    status: statusOf(responseOf(tunnel.request.deref())),
    tunnelTo: tunnel.target && safePath(tunnel.target),
  };
}

/** The library above a ClientRequest; undefined for node:http itself and for those that leave no trace. */
export function clientLibraryOf(clientRequest: unknown): Framework | undefined {
  if (isAxios(clientRequest)) return 'axios';
  // got marks each request that it has put its time-outs on.
  if (symbolNamed(clientRequest, 'reentry')) return 'got';
  // The words of its FetchError, in version 2 and 3.
  if (hasListenerWith(clientRequest, 'error', ' failed, reason: ')) return 'node-fetch';
  // A proxy may pass on what its own client calls itself, so the header is not enough.
  if (isAwsUserAgent(clientRequest) && hasListenerWith(clientRequest, 'error', 'TimeoutError')) return 'aws-sdk';
  if (hasListenerNamed(clientRequest, 'error', 'proxyError')) return 'http-proxy';
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

/** Version 2 pipes the message into the body, version 3 connects them by pipeline(), which listens for errors. */
function isNodeFetch2(library: Framework, response: unknown): boolean {
  return library === 'node-fetch' && listenersOf(response, 'error') === 0;
}

/** Between an interceptor of undici and its handler nothing can be seen: then it may be either. */
export function undiciLibraryOf(request: object | undefined): Pick<ClientFacts, 'library' | 'api'> {
  const handler = undiciHandlerOf(request);
  if (typeof handler !== 'object' || handler === null) return { library: undefined };
  if (fact(() => Object.getPrototypeOf(handler) === Object.prototype, false)) return { library: 'fetch' };
  const api = UNDICI_HANDLERS[nameOfClass(handler) ?? ''];
  return { library: api && 'undici', api };
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
