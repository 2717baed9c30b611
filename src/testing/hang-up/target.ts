import { Server, type AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { badArgument } from '../../base/errors.js';
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
}

const TAKES =
  'a net, tls, http or https server, a Fastify instance, or a URL that starts with http:, https:, tcp: or tls:';
const LOOPBACK = '127.0.0.1';

/**
 * Finds out where the target listens; one that does not listen yet is made to, on an ephemeral port of 127.0.0.1, and goes
 * on listening until whoever owns it closes it.
 * @throws GuardError CWG_ERR_ARGUMENT
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
  if (!server.listening) await listening(server, target instanceof Server ? undefined : target);
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw badArgument('the target given to hangUp()', address ?? server, `${TAKES}, which listens on TCP`);
  }
  return endpointAt(address, server instanceof TlsServer);
}

function serverIn(target: unknown): Server | undefined {
  const { server } = (target ?? {}) as Partial<ServerHolder>;
  return server instanceof Server ? server : undefined;
}

function endpointAt({ address, port }: AddressInfo, tls: boolean): Endpoint {
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
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, tls, verify: true, authority: url.host };
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
