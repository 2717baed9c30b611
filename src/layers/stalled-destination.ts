import type { Socket } from 'node:net';
import type { Framework } from '../base/vocabulary.js';
import { clientLibraryOf } from './client-api.js';
import type { HttpFacts } from './facts.js';
import {
  booleanProperty,
  clientHeaderOf,
  fdOf,
  isServerResponse,
  nameOfClass,
  objectProperty,
  pipesOf,
  property,
  requestedHostOf,
  requestOf,
  stringProperty,
} from './node-internals.js';

/** What takes nothing of what a stream is piped to: the last one of the pipes that waits for another 'drain'. Plain data. */
export type WaitsFor =
  /** A request that this process makes: its body. */
  | ({
      readonly kind: 'request';
      readonly connected: boolean;
      readonly library?: Framework | undefined;
    } & OutboundBody &
      FarEndOfSocket)
  /** A response that this process gives: its client. */
  | { readonly kind: 'response'; readonly method: string | undefined; readonly url: string | undefined }
  | ({ readonly kind: 'connection' } & FarEndOfSocket)
  /** A parser of multipart/form-data waits for a file of the form to be read. */
  | { readonly kind: 'form' }
  | { readonly kind: 'file' }
  /** undici reads it for a request of its own. */
  | { readonly kind: 'undici' }
  | {
      readonly kind: 'stream';
      readonly className: string | undefined;
      /** Bytes wait behind it to be read from it, and nothing reads them. */
      readonly unread: boolean;
    };

type OutboundBody = Pick<HttpFacts, 'method' | 'url' | 'base' | 'hostHeader'>;

/** The other end of a socket, as far as its owner tells. */
interface FarEndOfSocket {
  readonly host: string | undefined;
  readonly encrypted: boolean;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/** How many streams are followed: a chain of transforms has a handful. */
const MAX_STREAMS = 32;
const FORM_PARSER = /^(Busboy|Multipart|Dicer|PartStream|FileStream|MultipartParser)$/;

/** @param writable what a stream is piped to */
export function destinationOf(writable: object): WaitsFor {
  let last = writable;
  for (let count = 0; count < MAX_STREAMS; count++) {
    const next = pipesOf(last).find((each) => booleanProperty(each, 'writableNeedDrain') === true);
    if (next === undefined) break;
    last = next;
  }
  return describe(last);
}

function describe(stream: object): WaitsFor {
  if (isServerResponse(stream)) {
    const request = requestOf(stream);
    const url = stringProperty(request, 'originalUrl') ?? stringProperty(request, 'url');
    return { kind: 'response', method: stringProperty(request, 'method'), url };
  }
  const className = nameOfClass(stream);
  if (isClientRequest(stream)) return requestFacts(stream);
  if (fdOf(stream as Socket) !== undefined && stringProperty(stream, 'remoteAddress') !== undefined)
    return { kind: 'connection', ...farEndOf(stream) };
  if (className !== undefined && FORM_PARSER.test(className)) return { kind: 'form' };
  if (className === 'WriteStream' && property(stream, 'path') !== undefined) return { kind: 'file' };
  return { kind: 'stream', className, unread: typeof property(stream, 'readableLength') === 'number' };
}

function isClientRequest(stream: object): boolean {
  return typeof property(stream, 'onSocket') === 'function' && stringProperty(stream, 'method') !== undefined;
}

function requestFacts(request: object): WaitsFor {
  const host = clientHeaderOf(request, 'host') ?? stringProperty(request, 'host');
  const socket = objectProperty(request, 'socket');
  const end = farEndOf(socket);
  return {
    kind: 'request',
    method: stringProperty(request, 'method'),
    url: stringProperty(request, 'path'),
    base: host === undefined ? undefined : `${stringProperty(request, 'protocol') ?? 'http:'}//${host}`,
    hostHeader: host,
    ...end,
    host: end.host ?? stringProperty(request, 'host'),
    connected: end.remoteAddress !== undefined,
    library: clientLibraryOf(request),
  };
}

function farEndOf(socket: object | undefined): FarEndOfSocket {
  const port = property(socket, 'remotePort');
  return {
    host: socket && requestedHostOf(socket as Socket),
    encrypted: booleanProperty(socket, 'encrypted') === true,
    remoteAddress: stringProperty(socket, 'remoteAddress'),
    remotePort: typeof port === 'number' ? port : undefined,
  };
}
