import { isIP } from 'node:net';

/** What of a request decides whether it may see the page. */
export interface Asked {
  /** Names in lower case, as node:http has them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The peer of the connection, as the kernel knows it; undefined over a unix socket. */
  readonly remoteAddress: string | undefined;
}

/** What a proxy adds. None of them lets anybody in: they are what a client may write itself. */
const OF_PROXIES = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** This machine by name or address, and a port. `0.0.0.0` is none of them: browsers took it for this machine. */
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Why a page of another origin may not have this answer; undefined where none asks. A person who follows a link is let through:
 * the page with the link cannot read what comes, nor put it into a frame.
 * https://www.w3.org/TR/fetch-metadata/, https://www.rfc-editor.org/rfc/rfc6454#section-7
 */
export function refusedOrigin({ headers }: Asked): string | undefined {
  const site = headers['sec-fetch-site'];
  const followsLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !followsLink) return OTHER_ORIGIN;
  const { origin } = headers;
  return origin === undefined || hostOfOrigin(origin) === hostOf(headers)?.toLowerCase() ? undefined : OTHER_ORIGIN;
}

/** Why this client is not taken for somebody at this machine; undefined where it is. */
export function refusedPeer({ headers, remoteAddress }: Asked): string | undefined {
  if (!isLoopback(remoteAddress)) return NOT_LOOPBACK;
  if (OF_PROXIES.some((name) => headers[name] !== undefined)) return BEHIND_PROXY;
  // A name that its owner lets point to 127.0.0.1 makes a page of his one of the same origin (DNS rebinding).
  return LOOPBACK_HOST.test(hostOf(headers) ?? '') ? undefined : OTHER_HOST;
}

const WHO = 'It is shown to loopback clients, or to whom the option authorize lets in';
const OTHER_ORIGIN = 'a page of another origin asked for it.';
const NOT_LOOPBACK = `this client is not at a loopback address (127.0.0.1, ::1). ${WHO}.`;
const BEHIND_PROXY = `a proxy passed this request on, so its client is not known. ${WHO}.`;
const OTHER_HOST = `the Host header is none of localhost, 127.0.0.1 and [::1]. ${WHO}.`;

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:/i, '');
  return address === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** HTTP/2 has it under a name of its own. */
function hostOf(headers: Asked['headers']): string | undefined {
  const host = headers.host ?? headers[':authority'];
  return typeof host === 'string' ? host : undefined;
}

/** Empty for `null`, and for what is no origin of http: neither is the page's own. */
function hostOfOrigin(origin: string | readonly string[]): string | undefined {
  return typeof origin === 'string' ? (/^https?:\/\/([^/]+)$/i.exec(origin)?.[1] ?? '').toLowerCase() : '';
}
