import Fastify from 'fastify';
import { hasSubscribers } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { auditRoutes } from '../../../../src/testing.js';
import { HANG_UP_MOMENTS } from '../../../../src/testing/hang-up/options.js';
import { kernelRows, openFds } from '../../../support/kernel-view.js';
import { until } from '../../../support/until.js';

const ROUTES = 50;
const CHANNELS = [
  'net.server.socket',
  'net.client.socket',
  'http.server.request.start',
  'tracing:fastify.request.handler:start',
];

/** Ten each: answers JSON, takes JSON, takes a stream, never answers, never reads. */
function bigApp() {
  const app = Fastify({ exposeHeadRoutes: false });
  const body = { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 3 } } };
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  for (let i = 0; i < ROUTES / 5; i++) {
    app.get(`/fine/${i}/:id`, async () => ({ fine: true }));
    app.post(`/json/${i}`, { schema: { body } }, async (request) => request.body);
    app.put(`/stream/${i}`, async (request) => {
      for await (const _chunk of request.body as AsyncIterable<Buffer>);
      return 'read';
    });
    app.get(`/silent/${i}`, () => new Promise(() => {}));
    app.post(`/unread/${i}`, () => new Promise(() => {}));
  }
  app.server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  return app;
}

const listenersOf = (emitter: EventEmitter) =>
  Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]));
const countOf = (resource: string) => process.getActiveResourcesInfo().filter((name) => name === resource).length;
const tcpSockets = () => {
  const inodes = new Set(kernelRows().map(({ inode }) => `socket:[${inode}]`));
  return [...openFds().values()].filter((link) => inodes.has(link)).length;
};

it('fifty routes at all moments: all are tried, and nothing is left behind', { timeout: 120_000 }, async () => {
  const app = bigApp();
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as { port: number };
  const before = {
    sockets: tcpSockets(),
    timers: countOf('Timeout'),
    immediates: countOf('Immediate'),
    server: listenersOf(app.server),
    process: listenersOf(process),
    channels: CHANNELS.map((name) => hasSubscribers(name)),
  };

  const report = await auditRoutes(app, { deadlineMs: 1_000 });
  expect(report.rows).toHaveLength(ROUTES + 1);
  expect(report.notTried).toEqual([]);
  expect(new Set(report.rows.flatMap(({ moments }) => Object.keys(moments)))).toEqual(new Set(HANG_UP_MOMENTS));
  expect([...new Set(report.leaks.map(({ method, url }) => `${method} ${url}`))].sort()).toEqual(
    Array.from({ length: ROUTES / 5 }, (_, i) => `POST /unread/${i}`),
  );
  expect(new Set(report.leaks.map(({ leak }) => leak.cause))).toEqual(new Set(['request-body-not-read']));

  await until('the connections to be gone', () => tcpSockets() === before.sockets);
  expect(kernelRows().filter((row) => row.inode > 0 && row.localPort === port && row.remotePort > 0)).toEqual([]);
  await until('the timers to be gone', () => countOf('Timeout') <= before.timers);
  await until('the immediates to be gone', () => countOf('Immediate') <= before.immediates);
  expect(listenersOf(app.server)).toEqual(before.server);
  expect(listenersOf(process)).toEqual(before.process);
  expect(CHANNELS.map((name) => hasSubscribers(name))).toEqual(before.channels);
  await app.close();
  expect(tcpSockets()).toBe(before.sockets - 1);
});
