import { Server, type AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { badArgument, GuardError } from '../../base/errors.js';
import { HttpServer } from '../../base/http.js';
import { isObject } from '../../base/objects.js';
import { underInheritedSymbol } from '../../layers/symbols.js';
import type { ServerHolder } from '../check/options.js';
import type { HangUpTarget } from './options.js';

/** Where to connect to, and how. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Whether its certificate must be trusted here. Not for a server of this process. */
  readonly verify: boolean;
  /** Value of the Host header. */
  readonly authority: string;
  /** Undefined where a URL names it, which may be another process's. */
  readonly server: Server | undefined;
  /** It was given as a Fastify instance. */
  readonly isFastify: boolean;
}

const TAKES =
  'a net, tls, http or https server, a Fastify instance, or a URL that starts with http:, https:, tcp: or tls:';
const LOOPBACK = '127.0.0.1';

/**
 * Finds out where the target listens; one that does not listen yet is made to, on an ephemeral port of 127.0.0.1, and goes
 * on listening until whoever owns it closes it.
 * @throws GuardError CWG_ERR_ARGUMENT, also for an application that was closed
 */
export async function endpointOf(target: HangUpTarget): Promise<Endpoint> {
  if (typeof target === 'string' || target instanceof URL) return endpointOfUrl(target);
  const server = target instanceof Server ? target : serverIn(target);
  if (server === undefined) throw badArgument('the target given to hangUp()', target, TAKES);
  const { name } = server.constructor;
  if (name === 'Http2Server') {
    throw badArgument(
      'the target given to hangUp()',
      server,
      `${TAKES}; it sends HTTP/1.1, which this one does not speak`,
    );
  }
  const holder = target instanceof Server ? undefined : target;
  if (holder !== undefined) checkNotClosed(holder, 'hangUp()');
  if (!server.listening) await listening(server, holder);
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw badArgument('the target given to hangUp()', address ?? server, `${TAKES}, which listens on TCP`);
  }
  return { ...placeOf(address, server instanceof TlsServer), server, isFastify: isFastify(holder) };
}

function serverIn(target: unknown): Server | undefined {
  const { server } = (target ?? {}) as Partial<ServerHolder>;
  return server instanceof Server ? server : undefined;
}

function isFastify(holder: unknown): boolean {
  const { printRoutes, inject } = (holder ?? {}) as { readonly printRoutes?: unknown; readonly inject?: unknown };
  return typeof printRoutes === 'function' && typeof inject === 'function';
}

/**
 * A Fastify instance that was closed refuses every request, also where its server can still be made to listen.
 * @throws GuardError CWG_ERR_ARGUMENT
 */
export function checkNotClosed(holder: object, by: string): void {
  if (!isClosed(holder)) return;
  throw new GuardError(
    'CWG_ERR_ARGUMENT',
    `close-wait-guard: the application given to ${by} is closed, and no handler of it runs any more; call ${by} before its close()`,
  );
}

/** Fastify keeps it in a member that only its symbol's name tells; where there is none, it answers 503. */
function isClosed(holder: object): boolean {
  const state = underInheritedSymbol(holder, 'fastify.state');
  return isObject(state) && state.closing === true;
}

/** Whether its requests are announced, and which ones it does not hand on. */
export function isHttp({ server }: Endpoint): boolean {
  return server instanceof HttpServer || (server instanceof TlsServer && server.listenerCount('request') > 0);
}

type Place = Omit<Endpoint, 'server' | 'isFastify'>;

function placeOf({ address, port }: AddressInfo, tls: boolean): Place {
  // A server on a wildcard address is reached on loopback.
  const host = address === '0.0.0.0' ? LOOPBACK : address === '::' ? '::1' : address;
  return { host, port, tls, verify: false, authority: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
}

const DEFAULT_PORTS: Readonly<Record<string, number | undefined>> = {
  'http:': 80,
  'https:': 443,
  'tcp:': undefined,
  'tls:': undefined,
};

function endpointOfUrl(target: string | URL): Endpoint {
  const url = typeof target === 'string' ? parsed(target) : target;
  if (!url || !(url.protocol in DEFAULT_PORTS)) throw badArgument('the target given to hangUp()', target, TAKES);
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port);
  if (port === undefined || url.hostname === '') {
    throw badArgument('the target given to hangUp()', String(target), 'a URL with a host and a port');
  }
  const tls = url.protocol === 'https:' || url.protocol === 'tls:';
  // WHATWG URLs keep the brackets of an IPv6 address.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port, tls, verify: true, authority: url.host, server: undefined, isFastify: false };
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Several calls at once share one listen(). */
const starting = new WeakMap<Server, Promise<void>>();

async function listening(server: Server, holder: ServerHolder | undefined): Promise<void> {
  let started = starting.get(server);
  if (!started) {
    started = listen(server, holder).finally(() => starting.delete(server));
    starting.set(server, started);
  }
  await started;
}

async function listen(server: Server, holder: object | undefined): Promise<void> {
  const { listen: holderListen } = (holder ?? {}) as { listen?: unknown };
  if (typeof holderListen === 'function') {
    // Fastify's: it runs the plugins first.
    await (Reflect.apply(holderListen, holder, [{ port: 0, host: LOOPBACK }]) as Promise<unknown>);
    return;
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
