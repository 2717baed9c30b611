import { networkInterfaces } from 'node:os';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Guard } from '../../src/index.js';
import { guardOn } from '../support/guarded-server.js';
import { ask, servePage, type Question } from '../support/page.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';

const stage = stageOfEachTest();

const statusOf = async (port: number, question: Question = {}): Promise<number> => (await ask(port, question)).status;

/** An address of this machine that is not loopback: who connects to it comes from it. */
function ownAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
}

describe('without authorize', () => {
  it('a client at a loopback address sees the page, over IPv4, IPv6 and IPv4 in IPv6', async (context) => {
    const guard = guardOn(stage);
    expect(await statusOf(await servePage(stage, guard))).toBe(200);
    const both = await servePage(stage, guard, {}, '::').catch(() => undefined);
    context.skip(both === undefined, 'there is no IPv6 here');
    expect(await statusOf(both!, { host: '::1' })).toBe(200);
    expect(await statusOf(both!, { host: '127.0.0.1' }), 'its address is ::ffff:127.0.0.1').toBe(200);
  });

  it('a client elsewhere does not, whatever it says of itself', async (context) => {
    const host = ownAddress();
    context.skip(host === undefined, 'this machine has no address but loopback');
    const port = await servePage(stage, guardOn(stage), {}, '0.0.0.0');
    for (const headers of [
      {},
      { host: 'localhost' },
      { host: 'localhost', 'x-forwarded-for': '127.0.0.1' },
      { host: '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-real-ip': '127.0.0.1' },
    ]) {
      const { status, body } = await ask(port, { host: host!, headers });
      expect(status).toBe(403);
      expect(body).toMatch(/not at a loopback address/);
    }
  });

  it('a client over a unix socket does not: its address is not known', async () => {
    const file = `\0close-wait-guard-page-${process.pid}`;
    const http = await import('node:http');
    const { socketsPage } = await import('../../src/index.js');
    const server = http.createServer(socketsPage(guardOn(stage)));
    stage.defer(() => server.close());
    await new Promise<void>((resolve) => server.listen(file, resolve));
    const socket = net.connect(file);
    stage.defer(() => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await until('an answer', () => text.includes('\r\n\r\n'));
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
  });

  it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'])(
    'a request with %s does not: a proxy at this machine passed it on',
    async (header) => {
      const port = await servePage(stage, guardOn(stage));
      const { status, body } = await ask(port, { headers: { [header]: '127.0.0.1' } });
      expect({ status, body }).toEqual({
        status: 403,
        body: expect.stringContaining('a proxy passed this request on'),
      });
    },
  );

  it.each([
    ['localhost', 200],
    ['LOCALHOST:3000', 200],
    ['127.0.0.1:80', 200],
    ['127.255.0.9', 200],
    ['[::1]:3000', 200],
    // Names that their owners let point to 127.0.0.1 (DNS rebinding), and what only looks like loopback.
    ['rebound.evil.test', 403],
    ['localhost.evil.test', 403],
    ['127.0.0.1.evil.test', 403],
    ['evil.test:3000', 403],
    ['0.0.0.0:3000', 403],
    ['10.0.0.1', 403],
    ['user@localhost', 403],
    ['localhost:3000/..', 403],
  ])('Host %s: %i', async (host, status) => {
    const port = await servePage(stage, guardOn(stage));
    expect(await statusOf(port, { headers: { host } })).toBe(status);
  });

  it('a request without Host does not (HTTP/1.0)', async () => {
    const port = await servePage(stage, guardOn(stage));
    const client = await stage.connect(port);
    client.say('GET / HTTP/1.0\r\n\r\n');
    await until('an answer', () => client.text.includes('\r\n\r\n'));
    expect(client.text).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('a page of another origin', () => {
  const foreign: [string, Record<string, string>][] = [
    ['fetch() with CORS', { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
    ['fetch() of a browser without fetch metadata', { origin: 'https://evil.test' }],
    ['fetch() of another port of this machine', { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' }],
    ['fetch() of a sandboxed frame or a file', { origin: 'null' }],
    [
      'an image or a script',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    ],
    ['a frame', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
    ['an object', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'object' }],
  ];

  it.each(foreign)('does not get it by %s, with authorize or without', async (_how, headers) => {
    const guard = guardOn(stage);
    const asked: string[] = [];
    const authorize = (): boolean => asked.push('asked') > 0;
    for (const port of [await servePage(stage, guard), await servePage(stage, guard, { authorize })]) {
      const { status, body } = await ask(port, { headers: { host: `localhost:${port}`, ...headers } });
      expect({ status, body }).toEqual({ status: 403, body: expect.stringContaining('another origin') });
    }
    expect(asked).toEqual([]);
  });

  it('may lead a person there by a link', async () => {
    const port = await servePage(stage, guardOn(stage));
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect(await statusOf(port, { headers })).toBe(200);
  });

  it('is not what the page itself is', async () => {
    const port = await servePage(stage, guardOn(stage));
    expect(await statusOf(port, { headers: { 'sec-fetch-site': 'same-origin' } })).toBe(200);
    const host = `localhost:${port}`;
    expect(await statusOf(port, { headers: { host, origin: `http://${host}` } })).toBe(200);
  });

  it('finds no header that would let it in, and a preflight is refused', async () => {
    const port = await servePage(stage, guardOn(stage));
    const preflight = { origin: 'https://evil.test', 'access-control-request-method': 'GET' };
    for (const question of [{}, { method: 'OPTIONS', headers: preflight }, { headers: { host: 'evil.test' } }]) {
      const { status, headers } = await ask(port, question);
      expect(status).toBe(question.method === 'OPTIONS' ? 405 : status);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      const policy = headers['content-security-policy'];
      expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; /);
      expect(policy).toMatch(/frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/);
      expect(policy).not.toMatch(/unsafe|\*/);
    }
  });
});

describe('authorize', () => {
  const errorsOf = (guard: Guard): number => guard.stats().errors.callback;

  it('is asked about the request, and decides alone', async () => {
    const authorize = (request: { headers: Record<string, unknown> }): boolean => request.headers.token === 'open';
    const port = await servePage(stage, guardOn(stage), { authorize });
    expect(await statusOf(port), 'loopback is not enough').toBe(403);
    const headers = { token: 'open', host: 'shop.test', 'x-forwarded-for': '10.0.0.1' };
    expect(await statusOf(port, { headers })).toBe(200);
  });

  it.each([
    ['true', () => true, 200],
    ['a promise of true', () => Promise.resolve(true), 200],
    ['false', () => false, 403],
    ['a promise of false', () => Promise.resolve(false), 403],
    ['a string', () => 'yes', 403],
    ['1', () => 1, 403],
    ['nothing', () => undefined, 403],
    ['an object', () => ({ user: 'root' }), 403],
  ])('that answers %s', async (_what, authorize, status) => {
    const guard = guardOn(stage);
    const port = await servePage(stage, guard, { authorize: authorize as () => boolean });
    expect(await statusOf(port)).toBe(status);
    expect(errorsOf(guard)).toBe(0);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['is rejected', () => Promise.reject(new Error('no database'))],
    [
      'returns a promise whose then throws',
      () => ({
        get then() {
          throw new Error('no then');
        },
      }),
    ],
  ])('that %s: 403, counted, and the process lives', async (_what, authorize) => {
    const guard = guardOn(stage);
    const port = await servePage(stage, guard, { authorize: authorize as never });
    for (const count of [1, 2]) {
      const { status, body } = await ask(port);
      expect({ status, body }).toEqual({ status: 403, body: expect.stringContaining('did not let') });
      expect(body).not.toContain('database');
      expect(errorsOf(guard)).toBe(count);
    }
  });

  it('that never answers: 403 after 5 s, so that its socket does not stay open', { timeout: 15_000 }, async () => {
    const guard = guardOn(stage);
    const port = await servePage(stage, guard, { authorize: () => new Promise<boolean>(() => {}) });
    expect(await statusOf(port)).toBe(403);
    expect(errorsOf(guard)).toBe(1);
  });
});
