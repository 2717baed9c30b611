import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { FastifyRouteFinder, type RouteLookup } from '../../../src/frameworks/fastify/route-finder.js';
import type { RoutedRequest } from '../../../src/sockets/servers.js';

const PATTERNS = [
  '/',
  '/items',
  '/items/:id',
  '/items/mine',
  '/items/:id/parts',
  '/items/:id/parts/:part',
  '/items/:id/:part/last',
  '/orders/:id(^\\d+$)',
  '/orders/:id',
  '/files/*',
  '/files/readme.txt',
  '/at/:from-:to',
  '/at/:hour(^\\d{2})h:minute(^\\d{2})m',
  '/odd::colon',
  '/deep/:a/:b/:c',
  '/deep/*',
  '/caf%C3%A9/:id',
  '/:lang(^(?:en|de)$)/help',
  '/maybe/:id?',
  '/:page',
  '*',
];

const PATHS = [
  '/',
  '/items',
  '/items/7',
  '/items/mine',
  '/items/mine/parts',
  '/items/7/parts/3',
  '/items/7/x/last',
  '/items/7/parts/last',
  '/items/7?full=1',
  '/items/a%20b',
  '/items/a%2Fb',
  '/orders/7',
  '/orders/seven',
  '/files/a/b.txt',
  '/files/readme.txt',
  '/files/',
  '/at/1-2',
  '/at/08h15m',
  '/odd:colon',
  '/deep/1/2/3',
  '/deep/1/2',
  '/deep/1/2/3/4',
  '/en/help',
  '/fr/help',
  '/maybe',
  '/maybe/7',
  '/about',
  '/about?from=home#top',
  '/nothing/here',
  '/%zz',
  `/items/${'7'.repeat(101)}`,
];

/** Answers with the pattern of the route that it took. */
async function application(patterns: readonly string[], options: FastifyServerOptions = {}): Promise<FastifyInstance> {
  const app = Fastify(options);
  for (const url of patterns) {
    app.get(url, async (request) => request.routeOptions.url);
    app.post(url, async (request) => request.routeOptions.url);
  }
  await app.ready();
  return app;
}

function nameIn(answer: RouteLookup): string | undefined {
  return answer.known ? (answer.route ? String(answer.route.config.url) : 'none') : undefined;
}

/** What the finder says of a request, as the last word of its application's router. */
function nameOf(app: FastifyInstance, request: RoutedRequest): string | undefined {
  return nameIn(new FastifyRouteFinder(app).find({ method: 'GET', headers: {}, ...request }));
}

describe('the route of a request is the one that the router took', () => {
  it.each([
    ['declared in this order', PATTERNS],
    ['and the other way round', [...PATTERNS].reverse()],
  ])('%s', async (_order, patterns) => {
    const app = await application(patterns);
    const finder = new FastifyRouteFinder(app);
    for (const path of PATHS) {
      for (const method of ['GET', 'POST'] as const) {
        const { statusCode, body } = await app.inject({ method, url: path });
        const expected = statusCode === 200 ? body : 'none';
        expect.soft(nameIn(finder.find({ method, url: path })), `${method} ${path}`).toBe(expected);
      }
    }
  });

  it('and none is told apart from one that cannot be known', async () => {
    const finder = new FastifyRouteFinder(await application(['/items/:id', '/files/*']));
    const none = { known: true, route: undefined };
    expect(finder.find({ method: 'GET', url: '/items' })).toEqual(none);
    expect(finder.find({ method: 'DELETE', url: '/items/7' })).toEqual(none);
    expect(finder.find({ method: 'GET', url: '/%zz' })).toEqual(none);
    expect(finder.find({ method: 'GET', url: 'items/7' })).toEqual(none);
    expect(finder.find({ method: 'get', url: '/items/7' })).toMatchObject({ known: false });
    expect(finder.find({ method: 'GET', url: undefined })).toMatchObject({ known: false });
    expect(finder.find({ method: undefined, url: '/items/7' })).toMatchObject({ known: false });
  });

  it('with the options of the router, and those that Fastify had before routerOptions', async () => {
    const routerOptions = { caseSensitive: false, ignoreTrailingSlash: true, useSemicolonDelimiter: true };
    for (const options of [{ routerOptions }, routerOptions]) {
      const app = await application(['/Items/:id'], options);
      for (const url of ['/items/7', '/ITEMS/7/', '/items/7;a=b']) {
        expect((await app.inject(url)).body).toBe('/Items/:id');
        expect(nameOf(app, { url })).toBe('/Items/:id');
      }
    }
  });

  it('with unsafe regular expressions, where the application allows them', async () => {
    const app = await application(['/:x((?:a+)+)', '/:y'], { routerOptions: { allowUnsafeRegex: true } });
    expect(nameOf(app, { url: '/aaa' })).toBe('/:x((?:a+)+)');
    expect(nameOf(app, { url: '/b' })).toBe('/:y');
  });

  it('by its host and its version', async () => {
    const app = Fastify();
    const handler = async (): Promise<string> => '';
    app.get('/one', { constraints: { host: 'one.test' } }, handler);
    app.get('/:any', { constraints: { host: /^(?:two|three)\.test$/ } }, handler);
    app.get('/:old', handler);
    app.get('/:new', { constraints: { version: '2.0.0' } }, handler);
    await app.ready();
    expect(nameOf(app, { url: '/one', headers: { host: 'one.test' } })).toBe('/one');
    expect(nameOf(app, { url: '/one', headers: { ':authority': 'one.test' } })).toBe('/one');
    expect(nameOf(app, { url: '/one', headers: { host: 'two.test' } })).toBe('/:any');
    expect(nameOf(app, { url: '/one', headers: { host: 'other.test' } })).toBe('/:old');
    expect(nameOf(app, { url: '/one', headers: { 'accept-version': '2.x' } })).toBe('/:new');
    expect(nameOf(app, { url: '/one', headers: { 'accept-version': '3.x' } })).toBe('none');
    // Where the headers are gone nobody is named, but for what does not depend on them.
    expect(nameOf(app, { url: '/one', headers: undefined })).toBeUndefined();
    expect(nameOf(app, { url: '/one/two', headers: undefined })).toBe('none');
  });

  it('and none is named where a strategy of the application decides, none of whose code runs', async () => {
    let calls = 0;
    const strategy = (name: string, mustMatchWhenDerived: boolean) => ({
      name,
      mustMatchWhenDerived,
      storage: () => {
        const values = new Map<unknown, unknown>();
        return {
          get: (value: unknown) => (calls++, values.get(value) ?? null),
          set: (value: unknown, store: unknown) => void values.set(value, store),
        };
      },
      deriveConstraint: () => (calls++, 'secret'),
      validate: () => undefined,
    });
    const handler = async (): Promise<string> => '';
    const tenants = Fastify({ routerOptions: { constraints: { tenant: strategy('tenant', false) } } } as object);
    tenants.get('/only', { constraints: { tenant: 'secret' } }, handler);
    tenants.get('/both', { constraints: { tenant: 'secret' } }, handler);
    tenants.get('/both', handler);
    tenants.get('/free', handler);
    await tenants.ready();
    calls = 0;
    expect(nameOf(tenants, { url: '/only' })).toBeUndefined();
    expect(nameOf(tenants, { url: '/both' })).toBeUndefined();
    expect(nameOf(tenants, { url: '/free' })).toBe('/free');
    expect(nameOf(tenants, { url: '/none' })).toBe('none');
    expect(calls).toBe(0);

    // What must match when it is derived shuts out the routes without it too.
    const strict = Fastify();
    strict.addConstraintStrategy(strategy('tenant', true) as never);
    strict.get('/only', { constraints: { tenant: 'secret' } }, handler);
    strict.get('/free', handler);
    await strict.ready();
    expect((await strict.inject('/free')).statusCode).toBe(404);
    expect(nameOf(strict, { url: '/free' })).toBeUndefined();

    // In place of the router's own.
    const hosts = Fastify({ routerOptions: { constraints: { host: strategy('host', false) } } } as object);
    hosts.get('/a', { constraints: { host: 'secret' } }, handler);
    await hosts.ready();
    expect(nameOf(hosts, { url: '/a', headers: { host: 'one.test' } })).toBeUndefined();
  });

  it('by what the router was asked for, where that is not what the client sent', async () => {
    const app = await application(['/items/:id', '/api/*'], {
      rewriteUrl: ({ url }) => (url ?? '').replace(/^\/api/, ''),
    });
    let raw: RoutedRequest = {};
    app.server.prependListener('request', (request) => {
      raw = request;
    });
    const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
    expect(await (await fetch(`http://127.0.0.1:${port}/api/items/7`)).text()).toBe('/items/:id');
    await app.close();
    expect(nameOf(app, raw)).toBe('/items/:id');
    // Of the url alone it cannot be told whether it is the one or the other.
    expect(nameOf(app, { url: '/api/items/7' })).toBeUndefined();

    // Middleware takes its prefix off, and keeps the whole.
    const plain = await application(['/items/:id', '/api/*']);
    expect(nameOf(plain, { url: '/items/7', originalUrl: '/api/items/7' })).toBe('/api/*');
  });

  it('whatever was put in place of the url', async () => {
    const app = await application(['/items/:id']);
    for (const url of [{}, null, 7, ['/items/7']] as unknown as string[]) expect(nameOf(app, { url })).toBeUndefined();
  });
});

describe('a Fastify that hides what is looked for', () => {
  it('has no names, and says which routes it may have been', async () => {
    const app = await application(['/items/:id', '/items/mine']);
    const hidden = {
      printRoutes: app.printRoutes.bind(app),
      getSchemas: app.getSchemas.bind(app),
      findRoute: app.findRoute.bind(app),
    };
    const answer = new FastifyRouteFinder(hidden).find({ method: 'GET', url: '/items/7' });
    expect(answer).toMatchObject({ known: false, candidates: [{ url: '/items/mine' }, { url: '/items/:id' }] });
  });

  it('and is not believed where its router disagrees', async () => {
    const app = await application(['/items/:id']);
    const other = Object.create(app, { findRoute: { value: () => null } }) as FastifyInstance;
    expect(nameOf(other, { url: '/items/7' })).toBeUndefined();
  });
});
