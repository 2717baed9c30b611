import express from 'express';
import Fastify, { type FastifyInstance } from 'fastify';
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { auditRoutes, GuardError, hangUp, type HangUpMoment, type HangUpRequest } from '../../../src/testing.js';
import { stageOfEachTest } from '../../support/stage.js';
import { jsonOf, runModule } from '../../support/programs.js';

/*
 * Ways to be green for nothing: what looks at nothing must not say that there is nothing. `leak` is undefined in each.
 */
const stage = stageOfEachTest();
const QUICK = Object.freeze({ deadlineMs: 400 });

function shop(options = {}): FastifyInstance {
  const app = Fastify({ exposeHeadRoutes: false, ...options });
  stage.defer(() => app.close());
  app.post('/items/:id', async () => ({ stored: true }));
  app.get('/items/:id', async () => 'pen');
  app.get('/missing', async (_request, reply) => reply.code(404).send());
  app.get('/fails', async () => Promise.reject(new Error('the handler failed')));
  app.get('/fails/at-once', () => {
    throw new Error('the handler failed');
  });
  app.get('/sends-error', (_request, reply) => reply.send(new Error('the handler failed')));
  app.get('/gone', async () => Promise.reject(Object.assign(new Error('gone'), { statusCode: 410 })));
  return app;
}

async function refusal(going: Promise<unknown>): Promise<GuardError> {
  const error: unknown = await going.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(GuardError);
  return error as GuardError;
}

const POST: HangUpRequest = { method: 'POST', path: '/items/7' };
const JSON_BODY = { headers: { 'content-type': 'application/json' }, body: '{}' };

describe('a response of 400 or more that no handler gave is an error', () => {
  const moments: HangUpMoment[] = ['headers', 'mid-body', 'request', 'response'];
  it.each(moments)('415 of a default Fastify application, at %s', async (at) => {
    const error = await refusal(hangUp(shop(), POST, { at }));
    expect(error).toMatchObject({
      code: 'CWG_ERR_HANDLER_NOT_RUN',
      message:
        'close-wait-guard: hangUp() has tested nothing: POST /items/7 was answered 415, and no handler ran. ' +
        '415: give it a content-type that the route takes. If 415 is what you test: { expectedStatus: 415 }',
    });
  });

  it.each(['close', 'reset'] as const)('also where the client is not there to read it: %s', async (how) => {
    const error = await refusal(hangUp(shop(), POST, { at: 'request', how }));
    expect(error.message).toContain('POST /items/7 was answered 415, and no handler ran');
  });

  it.each([
    ['a typo in the path', { method: 'POST', path: '/itms/7', ...JSON_BODY }, '404: no route POST /itms/7'],
    ['a missing method', { path: '/items' }, '404: no route GET /items'],
    ['what validation refuses', { method: 'POST', path: '/items/7', ...JSON_BODY, body: '{' }, '400: give it a path,'],
  ])('%s', async (_what, request, hint) => {
    const error = await refusal(hangUp(shop(), request, { at: 'request' }));
    expect(error).toMatchObject({ code: 'CWG_ERR_HANDLER_NOT_RUN' });
    expect(error.message).toContain(hint);
  });

  it.each([
    ['onRequest', 403, '403: give it headers that let it in'],
    ['preHandler', 401, '401: give it headers that let it in'],
  ] as const)('what a hook turned away: %s', async (hook, statusCode, hint) => {
    const app = shop();
    app.addHook(hook, async () => Promise.reject(Object.assign(new Error('no'), { statusCode })));
    const error = await refusal(hangUp(app, { path: '/items/7' }, { at: 'response' }));
    expect(error).toMatchObject({ code: 'CWG_ERR_HANDLER_NOT_RUN' });
    expect(error.message).toContain(hint);
  });

  it('what Node answers by itself', async () => {
    const server = http.createServer((_request, response) => response.end('ok'));
    await stage.listen(server);
    const error = await refusal(hangUp(server, { headers: { cookie: 'x'.repeat(20_000) } }, { at: 'response' }));
    expect(error.message).toContain('GET / was answered 431, and no handler ran');
  });

  it('what Express has no route for', async () => {
    const app = express();
    app.get('/items/:id', (_request, response) => void response.send('pen'));
    app.get('/missing', (_request, response) => void response.status(404).send());
    const server = http.createServer(app);
    await stage.listen(server);
    const error = await refusal(hangUp(server, { path: '/itms/7' }, { at: 'response' }));
    expect(error.message).toContain('GET /itms/7 was answered 404, and no handler ran. 404: no route GET /itms/7');
    expect(await hangUp(server, { path: '/items/7' }, { at: 'response' })).toMatchObject({ handler: 'ran' });
    const missing = await hangUp(server, { path: '/missing' }, { at: 'response' });
    expect(missing).toMatchObject({ handler: 'ran', response: { statusCode: 404 } });
  });

  it('4xx of a server whose handlers nobody can tell apart, and it says so', async () => {
    const server = http.createServer((_request, response) => response.writeHead(404).end());
    const port = await stage.listen(server);
    for (const target of [server, `http://127.0.0.1:${port}`]) {
      const error = await refusal(hangUp(target, { path: '/itms/7' }, { at: 'response' }));
      expect(error.message).toContain('answered 404, and nothing on this server tells whether a handler ran. 404: no');
    }
  });

  it('unless the test is about it', async () => {
    const result = await hangUp(shop(), POST, { at: 'request', expectedStatus: 415 });
    expect(result).toMatchObject({
      closed: true,
      handler: 'not-run',
      hint: '415: give it a content-type that the route takes',
      response: { statusCode: 415 },
    });
    expect((await refusal(hangUp(shop(), POST, { at: 'request', expectedStatus: 404 }))).code).toBe(
      'CWG_ERR_HANDLER_NOT_RUN',
    );
  });

  it.each([399, 600, '404'])('expectedStatus takes no %o', async (expectedStatus) => {
    const error = await refusal(hangUp(shop(), POST, { at: 'request', expectedStatus: expectedStatus as number }));
    expect(error).toMatchObject({ code: 'CWG_ERR_OPTION' });
    expect(error.message).toContain('option expectedStatus is');
    expect(error.message).toContain('it takes a status code from 400 to 599');
  });
});

describe('a handler that ran', () => {
  it('may answer 404', async () => {
    const result = await hangUp(shop(), { path: '/missing' }, { at: 'response' });
    expect(result).toMatchObject({ reached: true, closed: true, handler: 'ran', response: { statusCode: 404 } });
    expect(result).not.toHaveProperty('hint');
  });

  it('may reject with a status of its own', async () => {
    expect(await hangUp(shop(), { path: '/gone' }, { at: 'response' })).toMatchObject({ handler: 'ran' });
  });

  it.each(['/fails', '/fails/at-once', '/sends-error'])('and fails is said: %s', async (path) => {
    expect(await hangUp(shop(), { path }, { at: 'response' })).toMatchObject({
      handler: 'failed',
      hint: '500: the handler failed',
    });
  });

  it.each(['headers', 'mid-body'] as const)(
    'or waits for the rest of the request: what is answered for its leaving is no refusal, at %s',
    async (at) => {
      const result = await hangUp(shop(), { ...POST, ...JSON_BODY, body: '{"name":"pen"}' }, { at });
      expect(result).toMatchObject({ reached: true, closed: true });
      expect(result).not.toHaveProperty('hint');
    },
  );
});

describe('a request', () => {
  it.each([
    [{ url: '/items/7' }, 'has no "url"; it has method, path, headers, body; did you mean path?'],
    [{ payload: 'x' }, 'has no "payload"; it has method, path, headers, body; did you mean body?'],
    [{ methd: 'POST' }, 'has no "methd"; it has method, path, headers, body; did you mean method?'],
    [{ signal: 1 }, 'has no "signal"; it has method, path, headers, body'],
  ])('%o: its unknown part is named', async (request, message) => {
    const error = await refusal(hangUp(shop(), request as HangUpRequest, { at: 'request' }));
    expect(error).toMatchObject({ code: 'CWG_ERR_ARGUMENT', message: expect.stringContaining(message) as string });
  });

  it.each([
    ['PSOT', 'did you mean POST?'],
    ['post', 'did you mean POST?'],
    ['FROBNICATE', 'as GET or POST'],
  ])('%s is no method', async (method, message) => {
    const error = await refusal(hangUp(shop(), { method, path: '/items/7' }, { at: 'request' }));
    expect(error.message).toMatch(`the request's method is "${method}"; it takes an HTTP method`);
    expect(error.message).toContain(message);
  });

  it('an option that is misspelt is named, with the one that was meant', async () => {
    const options = { at: 'request', deadlineMS: 5 } as never;
    expect((await refusal(hangUp(shop(), POST, options))).message).toMatch(
      /"deadlineMS".*; did you mean deadlineMs\?$/,
    );
  });
});

describe('a target', () => {
  it.each([true, false])('that is closed: its server had listened: %s', async (listened) => {
    const app = shop();
    if (listened) await app.listen({ port: 0, host: '127.0.0.1' });
    else await app.ready();
    await app.close();
    expect(await refusal(hangUp(app, { path: '/items/7' }, { at: 'response' }))).toMatchObject({
      code: 'CWG_ERR_ARGUMENT',
      message:
        'close-wait-guard: the application given to hangUp() is closed, and no handler of it runs any more; call hangUp() before its close()',
    });
    expect((await refusal(auditRoutes(app))).message).toContain('the application given to auditRoutes() is closed');
  });

  it('that cannot be looked at', async () => {
    const code = `
      import Fastify from 'fastify';
      import { auditRoutes, hangUp } from 'close-wait-guard/testing';
      const app = Fastify();
      app.get('/', async () => 'ok');
      const codes = [];
      for (const going of [hangUp(app, {}, { at: 'response' }), auditRoutes(app)])
        await going.catch(({ code, message }) => codes.push([code, message]));
      await app.close();
      console.log(JSON.stringify({ codes }));`;
    const { codes } = jsonOf(await runModule(code, [], { CLOSE_WAIT_GUARD: 'off' }));
    const reason = 'cannot look at sockets here: it is turned off by CLOSE_WAIT_GUARD';
    expect(codes).toEqual([
      ['CWG_ERR_UNSUPPORTED', `close-wait-guard: hangUp() ${reason}`],
      ['CWG_ERR_UNSUPPORTED', `close-wait-guard: auditRoutes() ${reason}`],
    ]);
  });
});

describe('what is reported', () => {
  it('does not keep the application from closing, and is there until then', async () => {
    const app = Fastify();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    app.post('/items/:id', () => new Promise(() => {}));
    const { leak } = await hangUp(app, POST, { at: 'mid-body', ...QUICK });
    expect(leak).toMatchObject({ cause: 'request-body-not-read', route: '/items/:id', path: '/items/7' });
    const connections = (): Promise<number> =>
      new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)));
    expect(await connections()).toBe(1);
    await app.close();
    expect(await connections()).toBe(0);
  });

  it('of a raw server as well', async () => {
    const server = net.createServer(() => {});
    const { leak } = await hangUp(server, 'hello', { at: 'request', ...QUICK });
    expect(leak).toMatchObject({ cause: 'never-read' });
    await new Promise((resolve) => server.close(resolve));
  });

  it('may be a connection that the handler opened', async () => {
    const upstream = http.createServer((_request, response) => {
      response.writeHead(200, { connection: 'close' });
      response.end('x'.repeat(400_000));
    });
    const port = await stage.listen(upstream);
    const app = shop();
    app.get('/stock', async () => {
      const status = await new Promise((resolve) =>
        http.get({ port, agent: false }, ({ statusCode }) => resolve(statusCode)),
      );
      return { status };
    });
    const { leak } = await hangUp(app, { path: '/stock' }, { at: 'response', ...QUICK });
    expect(leak).toMatchObject({ side: 'outbound', cause: 'response-body-not-read', requestedBy: 'GET /stock' });
    expect((await hangUp(app, { path: '/items/7' }, { at: 'response', ...QUICK })).leak).toBeUndefined();
  });
});

describe('an audit has not survived', () => {
  const ANSWERED = { moments: ['response'], ...QUICK } as const;

  it('handlers that always throw, and says which', async () => {
    const app = shop();
    const report = await auditRoutes(app, { ...ANSWERED, filter: ({ url }) => /^.(fails|sends|items)/.test(url) });
    expect(report.leaks).toEqual([]);
    expect(report.rows.map(({ url, handler, statusCode }) => [url, handler, statusCode])).toEqual([
      ['/items/:id', 'ran', 200],
      ['/items/:id', 'ran', 200],
      ['/fails', 'failed', 500],
      ['/fails/at-once', 'failed', 500],
      ['/sends-error', 'failed', 500],
    ]);
    expect(report.survived).toBe(false);
    expect(String(report)).toContain(
      'The handler failed each time:\n  GET /fails: answered 500: give it an example that its handler does not fail on',
    );
    expect(String(report)).toMatch(/^not complete: /m);
  });

  it('routes that a hook turns away', async () => {
    const app = shop();
    app.addHook('onRequest', async (_request, reply) => reply.code(403).send());
    const report = await auditRoutes(app, { ...ANSWERED, filter: ({ url }) => url === '/items/:id' });
    expect(report).toMatchObject({ survived: false, leaks: [] });
    expect(new Set(report.rows.map(({ handler }) => handler))).toEqual(new Set(['not-run']));
    expect(String(report)).toContain(
      'Did not get to the handler:\n  POST /items/:id: answered 403: give it headers that let it in',
    );
  });
});
