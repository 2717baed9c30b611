import express from 'express';
import Fastify from 'fastify';
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { takeFactFailures } from '../../../src/base/fact.js';
import { closeWaitGuard } from '../../../src/frameworks/fastify/plugin.js';
import { recognise } from '../../../src/routes/recognise.js';
import { listenApp } from '../../support/fastify-app.js';
import { guardOn } from '../../support/guarded-server.js';
import { follow, QUICK } from '../../support/reports.js';
import { post, stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

const stage = stageOfEachTest();

/** What a message is that an application has put things of its own on. */
function withOwn(own: object): object {
  return Object.assign(
    Object.create(http.IncomingMessage.prototype as object) as object,
    { url: '/a', method: 'GET' },
    own,
  );
}

describe('a request of node:http is nobody else’s', () => {
  const handleRequest = (): void => undefined;
  it.each<[string, object]>([
    ['as it comes', {}],
    ['with an application on it', { app: { name: 'shop' }, next: () => undefined, route: { path: '/wrong' } }],
    ['with a function as its application', { app: () => undefined, originalUrl: '/a' }],
    ['with a server name', { serverName: 'shop', route: { path: '/wrong' } }],
    ['with a parsed url', { originalUrl: '/a', _parsedUrl: {}, path: '/a', search: '' }],
    ['with a query', { _query: { q: '1' } }],
  ])('%s', (_name, own) => {
    expect(recognise(withOwn(own), http.createServer(handleRequest))).toBeUndefined();
  });

  it('where reading it throws', () => {
    const trap = new Proxy(withOwn({}), {
      get() {
        throw new Error('not for you');
      },
    });
    expect(recognise(trap, http.createServer())).toBeUndefined();
    expect(takeFactFailures().count).toBeGreaterThan(0);
  });
});

describe('a report says which framework took the request', () => {
  const cases: [name: string, listener: http.RequestListener, found: { framework: string; route: string }][] = [
    ['node:http', () => undefined, { framework: 'http', route: '/items/:n' }],
    ['Express', express().post('/items/:id', () => undefined), { framework: 'express', route: '/items/:id' }],
  ];
  it.each(cases)('%s', async (_name, listener, found) => {
    const guard = guardOn(stage, QUICK);
    const seen = follow(guard);
    const port = await stage.listen(http.createServer(listener));
    await stage.visit(port, post('/items/7', UPLOAD_BYTES));
    const leak = await until('the leak', () => seen.leaks[0]);
    expect(leak).toMatchObject({ ...found, path: '/items/7' });
  });

  it('the one in front, where an Express application stands in front of Fastify', async () => {
    const app = Fastify();
    await app.register(closeWaitGuard, { ...QUICK, scope: 'watched', metrics: false });
    const front = express();
    front.post('/front/:id', () => undefined);
    app.addHook('onRequest', (request, reply, done) => {
      (front as unknown as (...args: unknown[]) => void)(request.raw, reply.raw, done);
    });
    const seen = follow(app.closeWaitGuard);
    const port = await listenApp(stage, app);
    await stage.visit(port, post('/front/7', UPLOAD_BYTES));
    const leak = await until('the leak', () => seen.leaks[0]);
    expect(leak).toMatchObject({ framework: 'express', route: '/front/:id' });
  });
});
