import { describe, expect, it } from 'vitest';
import { destinationName, type OutboundRequest } from '../../src/guard/destination.js';
import type { OutboundConnection } from '../../src/layers/stack.js';

const PLAIN: OutboundConnection = { host: undefined, encrypted: false, tunnelled: false, servername: undefined };
const TUNNELLED: OutboundConnection = { ...PLAIN, encrypted: true, tunnelled: true };

interface Row {
  readonly to: readonly [address: string | undefined, port: number | undefined];
  readonly request?: Partial<OutboundRequest>;
  readonly connection?: Partial<OutboundConnection>;
}

function nameOf({ to: [remoteAddress, remotePort], request, connection }: Row): string | undefined {
  const http = request && { method: 'GET', url: '/big', base: request.hostHeader && 'http://unused', ...request };
  const ends = { localAddress: '10.0.0.1', localPort: 50_000, remoteAddress, remotePort };
  return destinationName(http, { ...PLAIN, ...connection }, ends);
}

const PROXY = ['10.0.0.7', 3128] as const;
const NOWHERE = [undefined, undefined] as const;

describe('an outbound socket is named', () => {
  it.each<[string, Row, string | undefined]>([
    ['without a request: by its peer', { to: PROXY }, '10.0.0.7:3128'],
    ['by the host it was asked for', { to: PROXY, connection: { host: 'db.test' } }, 'db.test:3128'],
    ['with nothing known', { to: NOWHERE }, undefined],
    ['in CLOSE, by its host', { to: NOWHERE, connection: { host: 'db.test' } }, 'db.test'],
    ['by a Host header, in CLOSE', { to: NOWHERE, request: { hostHeader: 'shop.test:81' } }, 'http://shop.test:81/big'],
    ['by its address', { to: PROXY, request: { hostHeader: '10.0.0.7:3128' } }, 'http://10.0.0.7:3128/big'],
    [
      'by a name',
      { to: ['10.0.0.7', 80], connection: { host: 'Shop.test' }, request: { hostHeader: 'shop.test' } },
      'http://shop.test/big',
    ],
    ['without a Host header', { to: PROXY, request: {} }, 'http://10.0.0.7:3128/big'],
    ['IPv6', { to: ['::1', 80], request: { hostHeader: '[::1]' } }, 'http://[::1]/big'],
    ['localhost', { to: ['::1', 81], request: { hostHeader: 'localhost:81' } }, 'http://localhost:81/big'],
    ['port left out', { to: ['10.0.0.7', 8080], request: { hostHeader: '10.0.0.7' } }, 'http://10.0.0.7:8080/big'],
    [
      'Host header of another',
      { to: ['10.0.0.7', 8080], request: { hostHeader: 'shop.example' } },
      'http://10.0.0.7:8080/big (Host: shop.example)',
    ],
    [
      'Host header of another port',
      { to: ['127.0.0.1', 8080], request: { hostHeader: '127.0.0.1:80' } },
      'http://127.0.0.1:8080/big (Host: 127.0.0.1:80)',
    ],
    [
      'absolute form',
      { to: PROXY, request: { url: 'http://shop.test:81/a?b', hostHeader: 'shop.test:81' } },
      'http://shop.test:81/a via 10.0.0.7:3128',
    ],
    [
      'absolute form to a proxy on the target’s port',
      { to: ['10.0.0.7', 80], request: { url: 'http://shop.test/a', hostHeader: 'shop.test' } },
      'http://shop.test/a via 10.0.0.7:80',
    ],
    [
      'absolute form, to the target itself',
      { to: PROXY, request: { url: 'http://10.0.0.7:3128/a', hostHeader: 'shop.test' } },
      'http://10.0.0.7:3128/a',
    ],
    [
      'authority form',
      { to: PROXY, request: { method: 'CONNECT', url: 'db.test:443' } },
      'db.test:443 via 10.0.0.7:3128',
    ],
    ['asterisk form', { to: PROXY, request: { method: 'OPTIONS', url: '*' } }, 'http://10.0.0.7:3128*'],
    [
      'TLS through a tunnel',
      {
        to: PROXY,
        connection: { ...TUNNELLED, host: 'proxy.test', servername: 'shop.test' },
        request: { hostHeader: 'shop.test' },
      },
      'https://shop.test/big via proxy.test:3128',
    ],
    [
      'TLS through a tunnel to an address',
      { to: ['10.0.0.7', 443], connection: TUNNELLED, request: { hostHeader: '10.0.0.8' } },
      'https://10.0.0.8/big via 10.0.0.7:443',
    ],
    [
      'TLS on a connection to the target',
      {
        to: ['10.0.0.7', 443],
        connection: { ...TUNNELLED, servername: 'shop.test' },
        request: { hostHeader: 'shop.test' },
      },
      'https://shop.test/big',
    ],
    [
      'TLS that asks for another host than the header',
      { to: PROXY, connection: { ...TUNNELLED, servername: 'cdn.test' }, request: { hostHeader: 'shop.test' } },
      'https://cdn.test/big via 10.0.0.7:3128 (Host: shop.test)',
    ],
    [
      'undici, which says where it goes',
      { to: ['10.0.0.7', 81], connection: { host: 'up.test' }, request: { base: 'http://up.test:81' } },
      'http://up.test:81/big',
    ],
    [
      'undici through a proxy',
      { to: PROXY, request: { base: 'http://up.test' } },
      'http://up.test/big via 10.0.0.7:3128',
    ],
  ])('%s', (_what, row, expected) => {
    expect(nameOf(row)).toBe(expected);
  });

  it.each<[string, Row, string]>([
    [
      'a Host header',
      { to: PROXY, request: { hostHeader: 'me:secret@shop.test/a?secret' } },
      'http://10.0.0.7:3128/big (Host: shop.test)',
    ],
    [
      'an absolute form',
      { to: PROXY, request: { url: 'http://me:secret@shop.test/a;v=secret?secret', hostHeader: 'x' } },
      'http://shop.test/a via 10.0.0.7:3128',
    ],
    [
      'an authority form',
      { to: PROXY, request: { method: 'CONNECT', url: 'me:secret@db.test:443' } },
      'db.test:443 via 10.0.0.7:3128',
    ],
    [
      'what is not printable',
      { to: PROXY, request: { hostHeader: 'a\r\nb) \u202e' } },
      'http://10.0.0.7:3128/big (Host: a%0D%0Ab)%20%E2%80%AE)',
    ],
  ])('without what is secret or not printable: %s', (_what, row, expected) => {
    expect(nameOf(row)).toBe(expected);
  });
});
