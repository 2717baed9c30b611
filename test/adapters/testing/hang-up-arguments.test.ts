import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { GuardError, hangUp } from '../../../src/testing.js';
import { stageOfEachTest } from '../../support/stage.js';

const stage = stageOfEachTest();

async function refusal(...args: unknown[]): Promise<GuardError> {
  const error: unknown = await (hangUp as (...args: unknown[]) => Promise<unknown>)(...args).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GuardError);
  return error as GuardError;
}

const AT = { at: 'request' };

describe('options', () => {
  it.each([
    [{}, 'option at is undefined; it takes one of connect, mid-headers, headers'],
    [{ at: 'body' }, 'option at is "body"; it takes one of connect, mid-headers'],
    [{ ...AT, how: 'rudely' }, 'option how is "rudely"; it takes one of fin, close, reset, vanish'],
    [{ ...AT, deadlineMs: 0 }, 'option deadlineMs is 0; it takes a whole number of milliseconds from 1 to 600000'],
    [{ at: 'mid-body', afterBytes: -1 }, 'option afterBytes is -1; it takes a whole number of bytes from 0 to'],
    [
      { at: 'headers', afterBytes: 3 },
      `option afterBytes is 3; it takes no value with at: 'headers', only with mid-headers`,
    ],
    [{ at: 'mid-body', afterBytes: 5 }, 'option afterBytes is 5; it takes fewer bytes than the body has (5)'],
    [{ at: 'mid-headers', afterBytes: 9_999 }, 'option afterBytes is 9999; it takes fewer bytes than the head has ('],
    [{ ...AT, readsOn: 0 }, 'option readsOn is 0; it takes true or false'],
    [
      { ...AT, how: 'close', readsOn: false },
      `option readsOn is false; it takes no false with how: 'close', only with 'fin'`,
    ],
    [
      { ...AT, afterByte: 1 },
      'there is no option "afterByte"; the options are at, how, afterBytes, readsOn, deadlineMs',
    ],
    [undefined, 'options is undefined; it takes an object'],
  ])('%o', async (options, message) => {
    await stage.listen(http.createServer());
    const server = http.createServer();
    await stage.listen(server);
    const error = await refusal(server, { method: 'POST', body: '12345' }, options);
    expect(error).toMatchObject({ code: 'CWG_ERR_OPTION', message: expect.stringContaining(message) as string });
  });

  it('refuses a moment in a body that is not there', async () => {
    const server = http.createServer();
    await stage.listen(server);
    expect(await refusal(server, {}, { at: 'mid-body' })).toMatchObject({
      code: 'CWG_ERR_OPTION',
      message:
        'close-wait-guard: option at is "mid-body"; it takes a moment that the request has: this GET has no body; give it one',
    });
  });

  it('refuses moments of HTTP for raw bytes', async () => {
    const server = net.createServer();
    await stage.listen(server);
    expect((await refusal(server, 'hello', { at: 'headers' })).message).toBe(
      'close-wait-guard: option at is "headers"; it takes one of connect, mid-body, request, mid-response, idle where the request is raw bytes',
    );
  });
});

describe('the request', () => {
  it.each([
    [
      null,
      'the request given to hangUp() is null; it takes an object { method, path, headers, body }, a string or bytes',
    ],
    [{ method: 7 }, `the request's method is 7; it takes an HTTP method`],
    [{ path: '' }, `the request's path is ""; it takes a path, as in /items/7?full=1`],
    [{ headers: 'x' }, `the request's headers is "x"; it takes an object`],
    [{ body: -1 }, `the request's body is -1; it takes a string, bytes, a size in bytes`],
    [{ body: true }, `the request's body is true; it takes a string, bytes, a size in bytes`],
    [{ body: [7] }, `a piece of the request's body is 7; it takes a string or bytes`],
  ])('%o', async (request, message) => {
    const server = http.createServer();
    await stage.listen(server);
    expect(await refusal(server, request, AT)).toMatchObject({
      code: 'CWG_ERR_ARGUMENT',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('the target', () => {
  const takes =
    'it takes a net, tls, http or https server, a Fastify instance, or a URL that starts with http:, https:, tcp: or tls:';
  it.each([
    ['nothing', undefined, `the target given to hangUp() is undefined; ${takes}`],
    ['an Express application', () => {}, `the target given to hangUp() is [function anonymous]; ${takes}`],
    ['no URL', 'shop', `the target given to hangUp() is "shop"; ${takes}`],
    ['a URL of something else', 'ftp://shop.test', `the target given to hangUp() is "ftp://shop.test"; ${takes}`],
    ['a URL without a port', 'tcp://shop.test', `is "tcp://shop.test"; it takes a URL with a host and a port`],
    ['HTTP/2', http2.createServer(), `is [Http2Server]; ${takes}; it sends HTTP/1.1, which this one does not speak`],
  ])('%s', async (_what, target, message) => {
    expect(await refusal(target, {}, AT)).toMatchObject({
      code: 'CWG_ERR_ARGUMENT',
      message: expect.stringContaining(message) as string,
    });
  });

  it('that listens on a pipe', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'hang-up-'));
    const server = net.createServer();
    stage.defer(() => rmSync(folder, { recursive: true }));
    stage.defer(() => new Promise((resolve) => server.close(resolve)));
    await new Promise<void>((resolve) => void server.listen(path.join(folder, 'socket'), resolve));
    expect((await refusal(server, {}, AT)).message).toContain('which listens on TCP');
  });

  it('where nobody answers', async () => {
    const server = net.createServer();
    const port = await stage.listen(server);
    await new Promise((resolve) => server.close(resolve));
    const error = await refusal(`tcp://127.0.0.1:${port}`, 'hello', AT);
    expect(error.message).toMatch(
      `close-wait-guard: hangUp() could not connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
