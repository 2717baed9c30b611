import { isIP } from 'node:net';
import { safeHost, safePath } from '../base/escape.js';
import type { Endpoints } from '../kernel/endpoints.js';
import type { HttpFacts } from '../layers/facts.js';
import type { OutboundConnection } from '../layers/stack.js';
import { hostPort, peerOf } from '../leaks/phrases.js';

/** What an outbound request says of itself. */
export type OutboundRequest = Pick<HttpFacts, 'method' | 'url' | 'base' | 'hostHeader'>;

/** A host and port as they stand in a URL. */
interface Authority {
  readonly host: string;
  readonly port: number | undefined;
}

/** A scheme and the authority behind it, in what safePath() has written. */
const WITH_AUTHORITY = /^([a-z][a-z0-9+.-]{0,31}:)\/\/([^/]*)/i;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 };

/**
 * What an outbound socket is for: `http://host:port/path`, or `host:port` where no request is known. Its host is the one that
 * the connection was asked for, else the peer's address. A Host header that names another is said beside it, as in
 * `http://10.0.0.7:8080/big (Host: shop.example)`: a reverse proxy may pass its own client's on. Where the connection goes to
 * a proxy the request's target is named first, as in `https://shop.example/big via 10.0.0.7:3128`.
 */
export function destinationName(
  request: OutboundRequest | undefined,
  connection: OutboundConnection,
  endpoints: Endpoints,
): string | undefined {
  const end = new FarEnd(connection, endpoints);
  if (request?.url === undefined && request?.base === undefined) return end.name;
  const { method, base, hostHeader } = request;
  const target = safePath(request.url ?? '');
  // The four forms of RFC 9112, 3.2: authority and absolute form say where they go, the others only which path.
  if (method === 'CONNECT') return end.via(target, authorityOf(target), 'https:');
  const [, scheme, authority] = WITH_AUTHORITY.exec(target) ?? [];
  if (scheme !== undefined) return end.via(target, authorityOf(authority!), scheme);
  // undici says itself where a request is to go, node:http in the Host header only.
  if (base !== undefined && hostHeader === undefined) {
    const [, baseScheme = 'http:', baseAuthority = ''] = WITH_AUTHORITY.exec(safePath(base)) ?? [];
    return end.via(`${safePath(base)}${target}`, authorityOf(baseAuthority), baseScheme);
  }
  return end.nameOfPath(connection.encrypted ? 'https:' : 'http:', target, hostHeader);
}

/** The other end of a connection. */
class FarEnd {
  /** What it is called; undefined where nothing is known of it. */
  readonly name: string | undefined;
  readonly #connection: OutboundConnection;
  readonly #endpoints: Endpoints;

  constructor(connection: OutboundConnection, endpoints: Endpoints) {
    const { host } = connection;
    this.#connection = connection;
    this.#endpoints = endpoints;
    this.name = host === undefined ? peerOf(endpoints) : hostPort(safeHost(host), endpoints.remotePort);
  }

  /** `name`, and this end where the target is another one. */
  via(name: string, target: Authority, scheme: string): string {
    return this.name === undefined || this.#is(target, scheme) ? name : `${name} via ${this.name}`;
  }

  nameOfPath(scheme: string, path: string, hostHeader: string | undefined): string | undefined {
    const named = hostHeader === undefined ? undefined : safeAuthority(hostHeader);
    const { tunnelled, servername } = this.#connection;
    if (tunnelled && named !== undefined) {
      // TLS ends at the target, whatever the connection below it goes to.
      const asked = servername === undefined || servername === '' ? named.host : safeHost(servername);
      const target = { host: asked, port: named.port };
      const name = this.via(`${scheme}//${textOf(target)}${path}`, target, scheme);
      return sameHost(asked, named.host) ? name : `${name} (Host: ${textOf(named)})`;
    }
    if (named !== undefined && (this.name === undefined || this.#is(named, scheme)))
      return `${scheme}//${textOf(named)}${path}`;
    if (this.name === undefined) return undefined;
    // A Host header that leaves the port out names no other place.
    const leftOut = named?.port === undefined ? this.#endpoints.remotePort : undefined;
    const names = named === undefined || (leftOut !== undefined && this.#is({ ...named, port: leftOut }, scheme));
    return `${scheme}//${this.name}${path}${names ? '' : ` (Host: ${textOf(named)})`}`;
  }

  /** Whether it is the one that is meant, as far as that can be told. */
  #is({ host, port }: Authority, scheme: string): boolean {
    const { host: askedFor, tunnelled } = this.#connection;
    const { remoteAddress, remotePort } = this.#endpoints;
    const meant = port ?? DEFAULT_PORTS[scheme.toLowerCase()];
    if (meant !== undefined && remotePort !== undefined && meant !== remotePort) return false;
    if (askedFor !== undefined && sameHost(askedFor, host)) return true;
    if (remoteAddress === undefined) return askedFor === undefined;
    if (isIP(host) !== 0) return sameHost(host, remoteAddress);
    if (sameHost(host, 'localhost')) return isLoopback(remoteAddress);
    // Below TLS, an application may have connected to an address that it had looked up itself.
    return tunnelled && askedFor === undefined;
  }
}

/** A Host header, which may be one that a client chose: without userinfo, path and query. */
function safeAuthority(hostHeader: string): Authority {
  return authorityOf(WITH_AUTHORITY.exec(safePath(`http://${hostHeader}`))?.[2] ?? '');
}

function authorityOf(text: string): Authority {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}

function textOf({ host, port }: Authority): string {
  return hostPort(host, port);
}

function sameHost(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
