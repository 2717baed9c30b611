import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { fromText, routesOf } from '../../../../src/frameworks/fastify/routes.js';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function appWith(addRoutes: (app: FastifyInstance) => void, options = {}): Promise<FastifyInstance> {
  const app = Fastify(options);
  apps.push(app);
  addRoutes(app);
  await app.ready();
  return app;
}

const named = ({ method, url, derived }: { method: string; url: string; derived?: string | undefined }) =>
  [method, url, derived].filter(Boolean).join(' ');
const answer = async () => 'ok';

describe('the routes of an application', () => {
  it('are all there, with methods, patterns and schemas', async () => {
    const body = { type: 'object' };
    const app = await appWith((app) => {
      app.route({ method: ['POST', 'PUT'], url: '/items/:id(^\\d+$)', schema: { body }, handler: answer });
      app.get('/items/:id(^\\d+$)', { config: { tag: 'items' } }, answer);
      app.get('/range/:from-:to', answer);
    });
    const routes = routesOf(app);
    expect(routes.map(named)).toEqual([
      'POST /items/:id(^\\d+$)',
      'PUT /items/:id(^\\d+$)',
      'GET /items/:id(^\\d+$)',
      'HEAD /items/:id(^\\d+$) head',
      'GET /range/:from-:to',
      'HEAD /range/:from-:to head',
    ]);
    expect(routes.slice(0, 2).map(({ schema }) => schema?.body)).toEqual([body, body]);
    expect(routes[2]).toMatchObject({ config: { tag: 'items' }, schema: undefined });
  });

  it('are also those of a plugin, once with its slash and once without', async () => {
    const app = await appWith((app) => {
      app.register(
        async (plugin) => {
          plugin.get('/', answer);
          plugin.post('/', answer);
          plugin.get('/deep/:id', answer);
        },
        { prefix: '/api' },
      );
    });
    expect(routesOf(app).map(named)).toEqual([
      'GET /api',
      'HEAD /api head',
      'POST /api',
      'GET /api/ slash',
      'HEAD /api/ head',
      'POST /api/ slash',
      'GET /api/deep/:id',
      'HEAD /api/deep/:id head',
    ]);
  });

  it('are two for an optional parameter', async () => {
    const app = await appWith((app) => app.get('/maybe/:id?', answer), { exposeHeadRoutes: false });
    expect(routesOf(app).map(named)).toEqual(['GET /maybe', 'GET /maybe/:id']);
  });

  it('are told apart by their constraints', async () => {
    const app = await appWith(
      (app) => {
        app.get('/', { constraints: { host: 'one.test' } }, answer);
        app.get('/', { constraints: { version: '1.2.0' } }, answer);
      },
      { exposeHeadRoutes: false },
    );
    expect(routesOf(app).map(({ constraints }) => constraints)).toEqual([{ host: 'one.test' }, { version: '1.2.0' }]);
  });

  it('have no twin where HEAD is a route of its own', async () => {
    const app = await appWith((app) => app.head('/only', answer));
    expect(routesOf(app).map(named)).toEqual(['HEAD /only']);
  });

  it('know which bodies they take', async () => {
    const app = await appWith((app) => {
      app.post('/json', answer);
      app.register(async (plugin) => {
        plugin.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
        plugin.post('/any', answer);
      });
    });
    const types = ['application/json', 'application/octet-stream'];
    expect(routesOf(app).map(({ url, accepts }) => [url, ...types.map((type) => accepts(type))])).toEqual([
      ['/json', true, false],
      ['/any', true, true],
    ]);
  });

  it('know the shared schemas of their plugin', async () => {
    const app = await appWith((app) => {
      app.register(async (plugin) => {
        plugin.addSchema({ $id: 'inner', type: 'string' });
        plugin.post('/inner', answer);
      });
      app.addSchema({ $id: 'outer', type: 'string' });
    });
    expect(Object.keys(routesOf(app)[0]!.sharedSchemas()).sort()).toEqual(['inner', 'outer']);
  });

  it('are read from what is printed where the router does not tell more', async () => {
    const app = await appWith((app) => {
      app.get('/products', answer);
      app.route({ method: ['PUT', 'DELETE'], url: '/products/:id', handler: answer });
      app.get('/products/:id/reviews', { constraints: { host: 'one.test' } }, answer);
      app.get('/files/*', answer);
      app.post('/number/:id(^\\d+$)', answer);
    });
    const read = fromText(app.printRoutes(), app);
    const told = routesOf(app);
    const byName = (routes: typeof told) => routes.map((route) => `${route.method} ${route.url}`).sort();
    expect(byName(read)).toEqual(byName(told));
    expect(read.find(({ url }) => url === '/products/:id/reviews')).toMatchObject({
      constraints: { host: 'one.test' },
    });
  });

  it('are those of its text alone when printRoutes() says nothing of them', async () => {
    const app = await appWith((app) => app.get('/plain', answer));
    const silent = Object.create(app, { printRoutes: { value: () => app.printRoutes() } }) as FastifyInstance;
    expect(routesOf(silent).map(named)).toEqual(['GET /plain', 'HEAD /plain head']);
  });
});
