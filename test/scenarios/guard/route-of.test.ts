import express from 'express';
import http, { IncomingMessage, type Server } from 'node:http';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import type { GuardOptions } from '../../../src/guard/options.js';
import type { Guard, RoutedRequest, WatchOptions } from '../../../src/guard/guard.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { guardOn } from '../../support/guarded-server.js';
import { expectKernelAgrees, follow, QUICK, type Followed } from '../../support/reports.js';
import { get, post, stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

type RouteOf = NonNullable<WatchOptions['routeOf']>;

const stage = stageOfEachTest();

/** A server that reads no body, watched with this `routeOf`. */
async function watched(
  routeOf: unknown,
  { server = http.createServer(() => {}), ...options }: GuardOptions & { server?: Server } = {},
): Promise<{ guard: Guard; seen: Followed; port: number; leak: (path: string) => Promise<LeakReport> }> {
  const guard = guardOn(stage, { ...QUICK, scope: 'watched', ...options });
  const seen = follow(guard);
  guard.watch(server, { name: 'shop', routeOf: routeOf as RouteOf });
  const port = await stage.listen(server);
  const leak = async (path: string): Promise<LeakReport> => {
    const before = seen.leaks.length;
    await stage.visit(port, post(path, UPLOAD_BYTES));
    const found = await until('the leak', () => seen.leaks[before]);
    expect(found).toMatchObject({ server: 'shop', method: 'POST', cause: 'request-body-not-read' });
    return found;
  };
  return { guard, seen, port, leak };
}

describe('routeOf names the route of a leak', () => {
  it('with the request itself, in report and label', async () => {
    const requests: RoutedRequest[] = [];
    const { guard, leak } = await watched((request: RoutedRequest) => {
      requests.push(request);
      return '/items/:id';
    });
    const found = await leak('/items/7?token=secret');
    expectKernelAgrees(found);
    expect(found).toMatchObject({ route: '/items/:id' });
    expect(found.explanation).toContain('POST /items/:id');
    expect(guard.stats().leaks).toMatchObject([{ route: '/items/:id', open: 1, total: 1 }]);
    expect(requests[0]).toBeInstanceOf(IncomingMessage);
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/items/7?token=secret', headers: { host: 'shop.test' } });
  });

  it('that Express found, behind a mounted router', async () => {
    const items = express.Router();
    items.post('/:id', () => {});
    const app = express().use('/shop/items', items);
    const { leak } = await watched((request: RoutedRequest) => request.route && request.baseUrl + request.route.path, {
      server: http.createServer(app),
    });
    const found = await leak('/shop/items/7');
    expectKernelAgrees(found);
    expect(found.route).toBe('/shop/items/:id');
  });

  it('that asked for an outbound connection, by what was noted of the request', async () => {
    const upstream = await stage.listen(net.createServer((socket) => socket.end(REPLY)));
    const requests: RoutedRequest[] = [];
    const server = http.createServer((_request, response) => {
      // The response is never read.
      const request = http.get({ port: upstream, host: '127.0.0.1', agent: false }, () => response.end());
      stage.defer(() => request.destroy());
    });
    const { seen, port } = await watched(
      (request: RoutedRequest) => {
        requests.push(request);
        return request.url?.replace(/\d+/, ':id');
      },
      { server, scope: 'process', traceRequests: true },
    );
    const client = await stage.connect(port);
    client.say(get('/checkout/7'));
    const leak = await until('the outbound leak', () => seen.leaks.find(({ side }) => side === 'outbound'));
    expectKernelAgrees(leak);
    expect(leak.requestedBy).toBe('GET /checkout/:id');
    expect(requests).toContainEqual({ method: 'GET', url: '/checkout/7' });
  });

  it('not where it knows none, nor after watch() was taken back', async () => {
    const server = http.createServer(() => {});
    const guard = guardOn(stage, QUICK);
    const seen = follow(guard);
    const dispose = guard.watch(server, { routeOf: ({ url }) => (url === '/known' ? '/:known' : undefined) });
    const port = await stage.listen(server);
    for (const path of ['/known', '/other?token=secret']) await stage.visit(port, post(path, UPLOAD_BYTES));
    await until('both leaks', () => seen.leaks.length === 2);
    expect(seen.leaks.map(({ route }) => route).sort()).toEqual(['/:known', '/other']);
    dispose();
    expect(
      guard
        .leaks()
        .map(({ route }) => route)
        .sort(),
    ).toEqual(['/known', '/other']);
    expect(guard.stats().errors.callback).toBe(0);
  });
});

describe('whatever routeOf does costs the pattern only', () => {
  it('what it throws, which is counted', async () => {
    const { guard, leak } = await watched(() => {
      throw new Error('no router yet');
    });
    const found = await leak('/items/7?token=secret');
    expectKernelAgrees(found);
    expect(found.route).toBe('/items/:n');
    const { callback } = guard.stats().errors;
    expect(callback).toBeGreaterThan(0);
    guard.leaks();
    expect(guard.stats().errors.callback).toBeGreaterThan(callback);
    expect(guard.stats().errors.sample).toBe(0);
  });

  it('and not that its leak is reclaimed', async () => {
    const { guard, seen, port } = await watched(
      () => {
        throw new Error('no router yet');
      },
      { reclaim: true },
    );
    const reclaimed: LeakReport[] = [];
    guard.on('reclaimed', (leak) => reclaimed.push(leak));
    await stage.visit(port, post('/items/7', UPLOAD_BYTES));
    await until('the leak to be reclaimed', () => reclaimed.length > 0);
    expect(seen.leaks).toMatchObject([{ route: '/items/:n' }]);
  });

  it.each<[string, unknown]>([
    ['a number', 7],
    ['null', null],
    ['an object', {}],
    ['a promise', Promise.resolve('/items/:id')],
    ['a promise that is rejected', undefined],
  ])('%s, which is counted once', async (name, result) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    stage.defer(() => process.off('unhandledRejection', note));
    const { guard, leak } = await watched(() => (name.endsWith('rejected') ? Promise.reject(new Error('no')) : result));
    expect((await leak('/items/7')).route).toBe('/items/:n');
    expect((await leak('/items/8')).route).toBe('/items/:n');
    expect(guard.leaks()).toHaveLength(2);
    expect(guard.stats().errors.callback).toBe(1);
    expect(rejections).toEqual([]);
  });

  it('what throws when it is read', async () => {
    const trap = {
      get then() {
        throw new Error('a trap');
      },
    };
    const { guard, leak } = await watched(() => trap);
    expect((await leak('/items/7')).route).toBe('/items/:n');
    expect(guard.stats().errors.callback).toBeGreaterThan(0);
  });

  it.each([
    ['/items\r\nX: 1', '/items%0D%0AX:%201'],
    ['/items/"<b>', '/items/%22%3Cb%3E'],
    ['/items/:id?token=secret', '/items/:id'],
    [`/${'x'.repeat(300)}`, `/${'x'.repeat(199)}...`],
  ])('%j is escaped', async (pattern, route) => {
    const { leak } = await watched(() => pattern);
    expect((await leak('/items/7')).route).toBe(route);
  });
});

describe('watch() refuses', () => {
  it.each<[unknown, string]>([
    ['/items/:id', '"/items/:id"'],
    [null, 'null'],
    [{ routeOf: true }, '[Object]'],
  ])('routeOf: %j', (routeOf, got) => {
    const guard = guardOn(stage);
    expect(() => guard.watch(http.createServer(), { routeOf: routeOf as RouteOf })).toThrow(
      expect.objectContaining({
        code: 'CWG_ERR_ARGUMENT',
        message: `close-wait-guard: the routeOf given to watch() is ${got}; it takes a function (request) => a pattern or undefined`,
      }),
    );
  });
});

/** A response with more than Node takes by itself, so that its end is not seen until it is read. */
const REPLY = `HTTP/1.1 200 OK\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n${'r'.repeat(UPLOAD_BYTES)}`;
