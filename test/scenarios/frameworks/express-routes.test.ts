import express5, { type Express, type Router } from 'express';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { recognise } from '../../../src/routes/recognise.js';
import type { RouteInfo } from '../../../src/sockets/servers.js';
import { stageOfEachTest } from '../../support/stage.js';

const stage = stageOfEachTest();
type Library = typeof express5;

/** Express 4 is there once scripts/install-apis.mjs has run. */
const four = path.join(import.meta.dirname, '../../apis/express4');
const versions: readonly (readonly [string, Library])[] = [
  ['Express 5', express5],
  ...(fs.existsSync(path.join(four, 'node_modules/express'))
    ? [['Express 4', createRequire(path.join(four, 'package.json'))('express') as Library] as const]
    : []),
];

/** What is said of one request, at the moment when `handler` has it. */
interface Case {
  readonly name: string;
  readonly build: (express: Library, handler: express5.RequestHandler) => Express;
  readonly asks: string;
  readonly method?: string;
  readonly is: string | undefined;
  readonly only?: string;
}

const chain = (express: Library, ...steps: readonly [mount: string | RegExp | string[], router: Router][]): Express => {
  const app = express();
  let above: { use: (path: never, router: Router) => unknown } = app;
  for (const [mount, router] of steps) {
    above.use(mount as never, router);
    above = router;
  }
  return app;
};

const cases: Case[] = [
  {
    name: 'a route of the application',
    build: (express, handler) => express().get('/items/:id', handler),
    asks: '/items/7?token=secret',
    is: '/items/:id',
  },
  {
    name: 'mounted parameters',
    build: (express, handler) => {
      const orders = express.Router({ mergeParams: true }).get('/orders/:id/items', handler);
      return chain(express, ['/api/:tenant', orders]);
    },
    asks: '/api/acme/orders/7/items',
    is: '/api/:tenant/orders/:id/items',
  },
  {
    name: 'parameters with the same value as a plain piece, and as each other',
    build: (express, handler) => {
      const items = express.Router().get('/:item', handler);
      return chain(express, ['/api/:api', express.Router()], ['/:other/api', items]);
    },
    asks: '/api/api/api/api/api',
    is: '/api/:api/:other/api/:item',
  },
  {
    name: 'a parameter that only digits fit',
    build: (express, handler) => chain(express, ['/v/:version(\\d+)', express.Router().get('/x', handler)]),
    asks: '/v/3/x',
    is: '/v/:version/x',
    only: 'Express 4',
  },
  {
    name: 'a mount of which two are alike, one of them of another router',
    build: (express, handler) => {
      const items = express.Router().get('/:id', handler);
      const app = express();
      app.use('/old/:shop', items);
      app.use('/shops', items);
      return app;
    },
    asks: '/shops/7',
    is: '/shops/:id',
  },
  {
    name: 'an application in an application',
    build: (express, handler) => {
      const inner = express();
      inner.use('/of/:user', express.Router().get('/posts/:post', handler));
      const outer = express();
      outer.use('/blog/:year', inner);
      return outer;
    },
    asks: '/blog/2024/of/ann/posts/7',
    is: '/blog/:year/of/:user/posts/:post',
  },
  {
    name: 'the root of a mounted router',
    build: (express, handler) => chain(express, ['/items', express.Router().get('/', handler)]),
    asks: '/items/',
    is: '/items',
  },
  {
    name: 'a list of paths',
    build: (express, handler) => express().get(['/a/:id', '/b/:id'], handler),
    asks: '/b/7',
    is: '/b/:id',
  },
  {
    name: 'a list of mounts',
    build: (express, handler) => chain(express, [['/a/:x', '/b/:x'], express.Router().get('/y', handler)]),
    asks: '/b/7/y',
    is: '/b/:x/y',
  },
  {
    name: 'a regular expression: what was asked for, folded',
    build: (express, handler) => express().get(/^\/files\/(\d+)$/, handler),
    asks: '/files/42',
    is: '/files/:n',
  },
  {
    name: 'a regular expression that a router is mounted at: folded',
    build: (express, handler) => chain(express, [/^\/files\/(\d+)/, express.Router().get('/text', handler)]),
    asks: '/files/42/text',
    is: '/files/:n/text',
  },
  {
    name: 'a handler that is mounted, as Apollo is',
    build: (express, handler) => express().use('/graphql', express.json(), handler),
    asks: '/graphql?query=secret',
    is: '/graphql',
  },
  {
    name: 'and what is below it, folded',
    build: (express, handler) => express().use('/static/:theme', handler),
    asks: '/static/dark/icons/12.png',
    is: '/static/:theme/icons/:n.png',
  },
  {
    name: 'a middleware before the routes, of a request that has a route',
    build: (express, handler) => {
      const app = express();
      app.use(handler);
      app.post('/items/:id', () => {});
      return app;
    },
    asks: '/items/7',
    method: 'POST',
    is: '/items/:id',
  },
  {
    name: 'not where it may serve the request itself',
    build: (express, handler) => {
      const app = express();
      app.use(handler);
      app.get('/:page', () => {});
      return app;
    },
    asks: '/logo.png',
    is: undefined,
  },
  {
    name: 'a middleware of a router, before its routes',
    build: (express, handler) => {
      const items = express.Router();
      items.use(handler);
      items.post('/:id', () => {});
      return chain(express, ['/items', items]);
    },
    asks: '/items/7',
    method: 'POST',
    is: '/items/:id',
  },
  {
    name: 'a router that a function calls',
    build: (express, handler) => {
      const items = express.Router().get('/:id', handler);
      return express().use('/lazy', (request, response, next) => items(request, response, next));
    },
    asks: '/lazy/7',
    is: '/lazy/:id',
  },
  {
    name: 'not the route that has passed the request on',
    build: (express, handler) => {
      const app = express();
      app.get('/a/:id', (_request, _response, next) => {
        next();
      });
      app.use('/a/b', handler);
      return app;
    },
    asks: '/a/b',
    is: '/a/b',
  },
];

/** What is said of the request while `handler` has it. */
async function said({ build, asks, method = 'GET' }: Case, express: Library, prepare: (app: Express) => void) {
  let told: (info: RouteInfo | undefined) => void;
  const info = new Promise<RouteInfo | undefined>((resolve) => (told = resolve));
  const app = build(express, (request) => {
    told(recognise(request, server));
  });
  prepare(app);
  const server = http.createServer(app as http.RequestListener);
  const port = await stage.listen(server);
  const request = http.request({ port, host: '127.0.0.1', path: asks, method, agent: false });
  stage.defer(() => request.destroy());
  request.on('error', () => {}).end();
  return await info;
}

/** Express 5 before its router kept the patterns. */
function forgetPatterns(app: Express): void {
  const forget = ({ stack }: { stack: { rawPath?: unknown; handle: { stack?: never[] } }[] }): void => {
    for (const layer of stack) {
      delete layer.rawPath;
      if (layer.handle.stack) forget(layer.handle as never);
    }
  };
  forget(app.router as never);
}

const unchanged = (): void => undefined;
describe.each([
  ...versions.map(([name, express]) => [name, express, unchanged] as const),
  ['Express 5.0', express5, forgetPatterns] as const,
])('the route of a request, %s', (version, express, prepare) => {
  it.each(cases.filter(({ only }) => only === undefined || only === version))('$name', async (each) => {
    expect(await said(each, express, prepare)).toEqual({
      framework: 'express',
      route: each.is,
      matched: each.is === undefined ? undefined : true,
      reclaim: true,
    });
  });
});
