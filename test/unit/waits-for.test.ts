import { describe, expect, it } from 'vitest';
import { nameOfWaitedFor } from '../../src/guard/waits-for.js';
import type { WaitsFor } from '../../src/layers/stalled-destination.js';

const END = { host: undefined, encrypted: false, remoteAddress: '10.0.0.7', remotePort: 8080 } as const;
const REQUEST = { kind: 'request', method: 'POST', url: '/items?key=1', ...END, connected: true } as const;

describe('what a leak waits for is called', () => {
  it.each<[WaitsFor, string]>([
    [{ ...REQUEST, base: 'http://10.0.0.7:8080', hostHeader: '10.0.0.7:8080' }, 'POST http://10.0.0.7:8080/items'],
    [
      { ...REQUEST, base: 'http://shop.example', hostHeader: 'shop.example' },
      'POST http://10.0.0.7:8080/items (Host: shop.example)',
    ],
    [{ ...REQUEST, base: undefined, encrypted: true }, 'POST https://10.0.0.7:8080/items'],
    [{ kind: 'response', method: 'GET', url: '/film?key=1' }, 'the response to GET /film'],
    [{ kind: 'response', method: undefined, url: undefined }, 'the response to its client'],
    [{ kind: 'connection', ...END }, 'the connection to 10.0.0.7:8080'],
    [{ kind: 'connection', ...END, host: 'db' }, 'the connection to db:8080'],
    [{ kind: 'form' }, 'a file of the form'],
    [{ kind: 'file' }, 'a file'],
    [{ kind: 'undici' }, 'a request of undici'],
    [{ kind: 'stream', className: 'Writable', unread: false }, 'a stream (Writable)'],
    [{ kind: 'stream', className: 'Gzip', unread: true }, 'a stream (Gzip) that nobody reads'],
    [{ kind: 'stream', className: 'no\nclass', unread: false }, 'a stream'],
    [{ kind: 'stream', className: undefined, unread: false }, 'a stream'],
  ])('%o', (waitsFor, name) => {
    expect(nameOfWaitedFor(waitsFor)).toBe(name);
  });
});
