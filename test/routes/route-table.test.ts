import Fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { routesOf } from '../../src/routes/fastify-routes.js';
import { RouteTable } from '../../src/routes/route-table.js';

const PATTERNS = [
  '/',
  '/items',
  '/items/:id',
  '/items/mine',
  '/items/:id/parts',
  '/items/:id/parts/:part',
  '/items/:id/:part/last',
  '/orders/:id(^\\d+$)',
  '/orders/:name',
  '/files/*',
  '/files/readme.txt',
  '/at/:from-:to',
  '/at/:hour(^\\d{2})h:minute(^\\d{2})m',
  '/odd::colon',
  '/deep/:a/:b/:c',
  '/deep/*',
  '/caf%C3%A9/:id',
  '/:lang(^(?:en|de)$)/help',
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
  '/about',
  '/about?from=home#top',
  '/nothing/here',
  '/%zz',
];

/** Answers with the pattern of the route that it took. */
async function application(patterns: readonly string[], options = {}): Promise<FastifyInstance> {
  const app = Fastify(options);
  for (const url of patterns) {
    app.get(url, async (request) => request.routeOptions.url);
    app.post(url, async (request) => request.routeOptions.url);
  }
  await app.ready();
  return app;
}

describe('a table of the routes finds what the router finds', () => {
  it.each([
    ['declared in this order', PATTERNS],
    ['and the other way round', [...PATTERNS].reverse()],
  ])('%s', async (_order, patterns) => {
    const app = await application(patterns);
    const table = new RouteTable(routesOf(app));
    for (const path of PATHS) {
      for (const method of ['GET', 'POST'] as const) {
        const { statusCode, body } = await app.inject({ method, url: path });
        // What is no path at all goes to no route, whoever is asked.
        if (statusCode === 200) expect.soft(table.find(method, path)?.url, `${method} ${path}`).toBe(body);
      }
    }
  });

  it('and nothing where there is none', async () => {
    const table = new RouteTable(routesOf(await application(['/items/:id', '/files/*'])));
    expect(table.find('GET', '/items')).toBeUndefined();
    expect(table.find('GET', '/items/7/parts')).toBeUndefined();
    expect(table.find('DELETE', '/items/7')).toBeUndefined();
    expect(table.find('GET', '/%zz')).toBeUndefined();
  });

  it('also where the router minds neither capital letters nor a slash at the end', async () => {
    const routerOptions = { caseSensitive: false, ignoreTrailingSlash: true };
    const app = await application(['/Items/:id'], { routerOptions });
    const table = new RouteTable(routesOf(app));
    for (const path of ['/items/7', '/ITEMS/7/']) {
      expect((await app.inject(path)).body).toBe('/Items/:id');
      expect(table.find('GET', path)?.url).toBe('/Items/:id');
    }
  });
});
