import { safeMethod, safePath } from '../base/escape.js';
import type { Endpoints } from '../kernel/endpoints.js';
import type { OutboundConnection } from '../layers/stack.js';
import type { WaitsFor } from '../layers/stalled-destination.js';
import { peerOf } from '../leaks/phrases.js';
import { destinationName } from './destination.js';

/** A class that may be named: one word, of which an attacker has none. */
const IDENTIFIER = /^[A-Za-z_$][\w$]{0,63}$/;

/** What a leak waits for, as in `POST http://upstream:8080/items`. */
export function nameOfWaitedFor(waitsFor: WaitsFor): string {
  switch (waitsFor.kind) {
    case 'request':
      return nameOfRequest(waitsFor);
    case 'response':
      return `the response to ${[waitsFor.method && safeMethod(waitsFor.method), waitsFor.url && safePath(waitsFor.url)].filter(Boolean).join(' ') || 'its client'}`;
    case 'connection':
      return `the connection to ${nameOfEnd(waitsFor) ?? 'its peer'}`;
    case 'form':
      return 'a file of the form';
    case 'file':
      return 'a file';
    case 'undici':
      return 'a request of undici';
    case 'stream':
      return nameOfStream(waitsFor);
  }
}

type Waited<Kind extends WaitsFor['kind']> = Extract<WaitsFor, { readonly kind: Kind }>;

function nameOfRequest(request: Waited<'request'>): string {
  const { method, connected } = request;
  const name = destinationName(request, connectionOf(request), endpointsOf(request)) ?? 'an outbound request';
  return `${method === undefined ? '' : `${safeMethod(method)} `}${name}${connected ? '' : ' (not connected)'}`;
}

function nameOfEnd(end: Waited<'connection'>): string | undefined {
  return destinationName(undefined, connectionOf(end), endpointsOf(end)) ?? peerOf(endpointsOf(end));
}

function nameOfStream({ className, unread }: Waited<'stream'>): string {
  const named = className !== undefined && IDENTIFIER.test(className) ? ` (${className})` : '';
  return `a stream${named}${unread ? ' that nobody reads' : ''}`;
}

function connectionOf({ host, encrypted }: Waited<'request' | 'connection'>): OutboundConnection {
  return { host, encrypted, tunnelled: false, servername: undefined };
}

function endpointsOf({ remoteAddress, remotePort }: Waited<'request' | 'connection'>): Endpoints {
  return { localAddress: undefined, localPort: undefined, remoteAddress, remotePort };
}
