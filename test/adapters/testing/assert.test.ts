import { subscribe, hasSubscribers, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  assertNoLeakedSockets,
  findLeakedSockets,
  GuardError,
  type FindLeakedSocketsOptions,
  type LeakedSocketsError,
} from '../../../src/testing.js';
import { CLOSE_WAIT, ESTABLISHED, kernelRow, openFds } from '../../support/kernel-view.js';
import { expectKernelAgrees } from '../../support/reports.js';
import { post, stageOfEachTest } from '../../support/stage.js';
import { jsonOf, runModule } from '../../support/programs.js';
import { until } from '../../support/until.js';

const QUICK = Object.freeze({ deadlineMs: 300 });

const stage = stageOfEachTest();

async function failure(options: FindLeakedSocketsOptions = QUICK): Promise<LeakedSocketsError> {
  const error: unknown = await assertNoLeakedSockets(options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GuardError);
  return error as LeakedSocketsError;
}

describe('assertNoLeakedSockets()', () => {
  it('passes when there is none', async () => {
    await expect(assertNoLeakedSockets()).resolves.toBeUndefined();
  });

  it('says which socket, why, and what to change', async () => {
    const port = await stage.listen(http.createServer(() => {}));
    await stage.visit(port, post('/uploads/7?token=secret', 100_000));
    const found = await findLeakedSockets(QUICK);
    expect(found).toHaveLength(1);
    expectKernelAgrees(found[0]!);
    const error = await failure();
    expect(error).toMatchObject({ name: 'GuardError', code: 'CWG_ERR_LEAKED_SOCKETS' });
    const [leak] = error.leaks;
    expect(error.leaks).toMatchObject([{ id: found[0]!.id, fd: found[0]!.fd }]);
    expect(error.message.split('\n')).toEqual([
      '1 leaked socket: its peer has gone, and nothing closed it.',
      '',
      `  1. POST /uploads/:n (http:${port}): inbound, close-wait, request-body-not-read`,
      expect.stringMatching(
        new RegExp(
          `^ {5}POST /uploads/:n \\(http:${port}\\) has neither read its request body ` +
            '\\(0 of 100,000 bytes taken\\) nor answered; the client left [\\d.]+ m?s ago, and Node ends it within 5 min \\(requestTimeout\\)\\.$',
        ),
      ),
      `     Fix: Answer on every path, also when what the handler waits for never comes: res.writeHead(503, { connection: 'close' }).end() when its time is up.`,
    ]);
    expect(error.message).toContain(leak!.explanation);
    expect(error.message).toContain(leak!.fix);
  });

  it('closes what it names and nothing else, so that the server can close', async () => {
    const named = http.createServer(() => {});
    const port = await stage.listen(named);
    const elsewhere = await stage.listen(http.createServer(() => {}));
    const { port: clientPort } = await stage.visit(port, post('/uploads/7', 100_000));
    const { port: otherPort } = await stage.visit(elsewhere, post('/uploads/7', 100_000));
    // Open, and waiting for its response.
    const healthy = await stage.connect(port);
    healthy.say('GET /slow HTTP/1.1\r\nHost: shop.test\r\n\r\n');
    await failure({ ...QUICK, server: named });
    await until('the named one to be closed', () => kernelRow(port, clientPort) === undefined);
    expect(kernelRow(elsewhere, otherPort)).toMatchObject({ state: CLOSE_WAIT });
    expect(kernelRow(port, healthy.port)).toMatchObject({ state: ESTABLISHED });
    await healthy.close();
    named.close();
    await once(named, 'close');
  });

  it('keeps the application alive that hears of it', async () => {
    const errors: unknown[] = [];
    const server = net.createServer({ allowHalfOpen: true }, (socket) =>
      socket.resume().on('error', (error) => errors.push(error)),
    );
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    await client.halfClose();
    // Without an 'error' listener of its own a reset would end this process.
    const ended = once(client.socket, 'close');
    await failure();
    await ended;
    expect(errors).toMatchObject([{ code: 'CWG_ERR_RECLAIMED' }]);
  });

  it('ends no test whose client is still there, and hears of no error', async () => {
    const outcome = await runModule(`
      import { once } from 'node:events';
      import http from 'node:http';
      import net from 'node:net';
      import { assertNoLeakedSockets } from 'close-wait-guard/testing';
      const server = http.createServer(() => {}).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address();
      const client = net.connect(port, '127.0.0.1');
      client.write('POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 160000\\r\\n\\r\\n');
      client.end(Buffer.alloc(160_000));
      const failure = await assertNoLeakedSockets({ deadlineMs: 300 }).catch(({ code }) => code);
      // Not with events.once(), which listens to errors.
      await new Promise((resolve) => (client.destroyed ? resolve() : client.once('close', resolve)));
      await new Promise((resolve) => server.close(resolve));
      console.log(JSON.stringify({ failure }));
    `);
    expect(jsonOf(outcome)).toEqual({ failure: 'CWG_ERR_LEAKED_SOCKETS' });
  });

  it('points at the line that called it', async () => {
    await stage.visit(await stage.listen(net.createServer({ allowHalfOpen: true }, (socket) => socket.resume())));
    const { stack } = await failure();
    const firstFrame = stack!.split('\n').find((line) => /^\s+at .*\.[tj]s/.test(line) && !line.includes('node:'));
    expect(firstFrame).toContain('assert.test.ts');
  });

  it('names the two ends of what is no HTTP, and the destination of what is outbound', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.resume());
    const port = await stage.listen(server);
    const { port: clientPort } = await stage.visit(port);
    const elsewhere = await stage.listen(net.createServer((socket) => socket.end('x'.repeat(100_000))));
    const client = await stage.connect(elsewhere, '127.0.0.1', { read: false });
    await until('the FIN', () => kernelRow(client.port, elsewhere)?.state === CLOSE_WAIT);
    const upstream = http.createServer((_request, response) => {
      response.writeHead(200, { connection: 'close' }).end('x'.repeat(100_000));
    });
    const upstreamPort = await stage.listen(upstream);
    const request = http.get({ port: upstreamPort, host: '127.0.0.1', path: '/stock?key=secret', agent: false });
    stage.defer(() => request.destroy());
    // Asked for, and never read.
    await once(request, 'response');
    const requestPort = request.socket!.localPort!;
    await until('the second FIN', () => kernelRow(requestPort, upstreamPort)?.state === CLOSE_WAIT);
    const { message } = await failure();
    expect(message).toContain('leaked sockets: their peers have gone, and nothing closed them.');
    expect(message).toContain(
      `connection to net:${port} from 127.0.0.1 port ${clientPort}: inbound, close-wait, half-open-not-ended\n`,
    );
    expect(message).toContain(`connection to 127.0.0.1:${elsewhere}: outbound, close-wait, never-read\n`);
    expect(message).toContain(
      `GET http://127.0.0.1:${upstreamPort}/stock: outbound, close-wait, response-body-not-read\n`,
    );
    expect(message).not.toContain('secret');
  });

  it('spells out five leaks and counts the rest', async () => {
    const port = await stage.listen(net.createServer({ allowHalfOpen: true }, (socket) => socket.resume()));
    for (let i = 0; i < 7; i++) await stage.visit(port);
    const error = await failure();
    expect(error.leaks).toHaveLength(7);
    expect(error.message).toMatch(/^7 leaked sockets: their peers have gone/);
    expect(error.message.match(/^ {2}\d+\. /gm)).toEqual(['  1. ', '  2. ', '  3. ', '  4. ', '  5. ']);
    expect(error.message.split('\n').at(-1)).toBe('  and 2 more');
  });

  it('does not list the leaks among the properties that runners print', async () => {
    await stage.visit(await stage.listen(net.createServer({ allowHalfOpen: true }, (socket) => socket.resume())));
    expect(Object.keys(await failure()).sort()).toEqual(['code', 'name']);
  });
});

describe('a bad option is an error that names it, what it got and what it takes', () => {
  const millis = 'it takes a whole number of milliseconds from 0 to 600000';
  const servers = 'it takes a net, tls, http, https or http2 server, a Fastify instance, or an array of these';
  const ignores =
    'it takes an array of leak ids (strings), or a function (leak) => boolean; an array may have rules { route, cause, server, destination, fingerprint, until }, too';
  it.each([
    [`option deadlineMs is -1; ${millis}`, { deadlineMs: -1 }],
    [`option deadlineMs is 0.5; ${millis}`, { deadlineMs: 0.5 }],
    [`option deadlineMs is NaN; ${millis}`, { deadlineMs: NaN }],
    [`option deadlineMs is "2000"; ${millis}`, { deadlineMs: '2000' }],
    [`option deadlineMs is 600001; ${millis}`, { deadlineMs: 600_001 }],
    ['option strict is 1; it takes true or false', { strict: 1 }],
    [`option server is [Object]; ${servers}`, { server: {} }],
    [`option server is null; ${servers}`, { server: null }],
    [`option server is 8080; ${servers}`, { server: 8080 }],
    [`option server is [array of 0]; ${servers}`, { server: [] }],
    [`option server is "b"; ${servers}`, { server: ['b', net.createServer()] }],
    [`option server is [Object]; ${servers}`, { server: { server: {} } }],
    [`option ignore is "id"; ${ignores}`, { ignore: 'id' }],
    [
      'option ignore[0] is 1; it takes an object { route, cause, server, destination, fingerprint, until } with one of the first five',
      { ignore: [1] },
    ],
    ['there is no option "timeout"; the options are deadlineMs, strict, server, ignore', { timeout: 5 }],
    ['options is null; it takes an object', null],
    ['options is 5; it takes an object', 5],
  ])('%s', async (message, options) => {
    const expected = { name: 'GuardError', code: 'CWG_ERR_OPTION', message: `close-wait-guard: ${message}` };
    await expect(findLeakedSockets(options as never)).rejects.toMatchObject(expected);
    await expect(assertNoLeakedSockets(options as never)).rejects.toMatchObject(expected);
  });
});

describe('what it leaves behind', () => {
  const channels = ['net.server.socket', 'net.client.socket', 'http.server.request.start'];
  const epolls = () => [...openFds().values()].filter((link) => link === 'anon_inode:[eventpoll]').length;

  it('is nothing: neither a subscriber nor an fd', async () => {
    const before = { epolls: epolls(), subscribed: channels.map((name) => hasSubscribers(name)) };
    expect(before.subscribed, 'by the tests before this one').toEqual([false, false, false]);
    const server = net.createServer({ allowHalfOpen: true });
    const port = await stage.listen(server);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    await stage.visit(port);
    const [socket] = await accepted;
    const listeners = socket.eventNames().map((name) => socket.listenerCount(name));
    expect(await findLeakedSockets(QUICK)).toHaveLength(1);
    expect(socket.eventNames().map((name) => socket.listenerCount(name))).toEqual(listeners);
    await expect(
      findLeakedSockets({
        ignore: () => {
          throw new Error('x');
        },
      }),
    ).rejects.toThrow('x');
    expect({ epolls: epolls(), subscribed: channels.map((name) => hasSubscribers(name)) }).toEqual(before);
  });

  it('and the check above can fail', () => {
    const listener = () => {};
    subscribe(channels[0]!, listener);
    expect(hasSubscribers(channels[0]!)).toBe(true);
    unsubscribe(channels[0]!, listener);
  });

  it('is nothing either when it is only imported', async () => {
    const outcome = await runModule(`
      import { readdirSync, readlinkSync } from 'node:fs';
      import { hasSubscribers } from 'node:diagnostics_channel';
      const state = () => JSON.stringify({
        subscribed: ${JSON.stringify(channels)}.map((name) => hasSubscribers(name)),
        epolls: readdirSync('/proc/self/fd').filter((fd) => {
          try { return readlinkSync('/proc/self/fd/' + fd).includes('eventpoll'); } catch { return false; }
        }).length,
        addon: process.report.getReport().sharedObjects.some((file) => file.includes('close_wait_guard')),
      });
      const before = state();
      const module = await import('close-wait-guard/testing');
      console.log(JSON.stringify({ before, after: state(), names: Object.keys(module) }));
    `);
    const { before, after, names } = jsonOf(outcome);
    expect(after).toBe(before);
    expect(names.sort()).toEqual([
      'GuardError',
      'HANG_UP_MOMENTS',
      'HANG_UP_WAYS',
      'assertNoLeakedSockets',
      'auditRoutes',
      'findLeakedSockets',
      'hangUp',
      'reproduce',
    ]);
  });
});
