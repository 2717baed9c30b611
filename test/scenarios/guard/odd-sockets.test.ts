import http from 'node:http';
import net, { type Socket } from 'node:net';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { valueOf } from '../../support/metrics-page.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';
import { warningsDuring } from '../../support/warnings.js';

const throws = (): never => {
  throw new Error('a bug of the application');
};

const broken: { readonly target: object; readonly name: string }[] = [];

/** Makes reading a property throw, until {@link mend} is called: Node itself reads some of them when a socket is closed. */
const breaks = (target: object, ...names: string[]): void => {
  for (const name of names) {
    Object.defineProperty(target, name, { get: throws, configurable: true });
    broken.push({ target, name });
  }
};

const mend = (): void => {
  for (const { target, name } of broken.splice(0)) Reflect.deleteProperty(target, name);
};

/** Servers of applications that made something of their own of a socket, a request or a server. None ever answers. */
const ODD: [name: string, server: () => net.Server][] = [
  [
    'socket.server is an object of its own',
    () => onSocket((socket) => Object.assign(socket, { server: { players: [] } })),
  ],
  ['socket.server is a text', () => onSocket((socket) => Object.assign(socket, { server: 'eu-1' }))],
  ['socket.server is null', () => onSocket((socket) => Object.assign(socket, { server: null }))],
  ['socket.server throws', () => onSocket((socket) => breaks(socket, 'server'))],
  ['what a socket holds back throws', () => onSocket((socket) => breaks(socket, 'readableLength', 'readableFlowing'))],
  ['its listeners cannot be counted', () => onSocket((socket) => Object.assign(socket, { listenerCount: throws }))],
  ['its listenerCount is a number', () => onSocket((socket) => Object.assign(socket, { listenerCount: 3 }))],
  ['req.url is a URL', () => onRequest((req) => Object.assign(req, { url: new URL(req.url!, 'http://shop.test') }))],
  ['req.url throws', () => onRequest((req) => breaks(req, 'url'))],
  ['req.method is a symbol', () => onRequest((req) => Object.assign(req, { method: Symbol('GET') }))],
  ['req.headers is null', () => onRequest((req) => Object.defineProperty(req, 'headers', { value: null }))],
  ['the state of the response throws', () => onRequest((_req, res) => breaks(res, 'writableEnded', 'headersSent'))],
  ['the request of the response is gone', () => onRequest((_req, res) => Object.assign(res, { req: undefined }))],
  [
    'its class has a static name()',
    () => {
      class Named extends net.Server {
        static override name(): string {
          return 'named';
        }
      }
      return new Named(() => {});
    },
  ],
  [
    'its class has no name',
    () =>
      Object.setPrototypeOf(
        net.createServer(() => {}),
        Object.create(net.Server.prototype, { constructor: { value: undefined } }),
      ) as net.Server,
  ],
  [
    'its address() throws',
    () => onSocket((socket) => Object.assign((socket as unknown as { server: object }).server, { address: throws })),
  ],
  [
    'its listening throws',
    () => onSocket((socket) => breaks((socket as unknown as { server: object }).server, 'listening')),
  ],
];

function onSocket(odd: (socket: Socket) => unknown): net.Server {
  return net.createServer((socket) => void odd(socket));
}

function onRequest(odd: (req: http.IncomingMessage, res: http.ServerResponse) => unknown): net.Server {
  return http.createServer((req, res) => void odd(req, res));
}

const post = (): string =>
  `POST /odd HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n${'x'.repeat(UPLOAD_BYTES)}`;

describe('a socket of which something cannot be read', () => {
  const stage = stageOfEachTest();

  it('costs a fact, which is counted, and said once', async () => {
    const warnings = warningsDuring(stage);
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const port = await stage.listen(onSocket((socket) => breaks(socket, 'readableLength')));
    await stage.visit(port, 'hello');
    await until('the count', () => guard.stats().errors.fact > 1);
    await stage.visit(port, 'hello');
    await until('both leaks', () => guard.leaks().length === 2);
    await until('the warning', () => warnings.length > 0);
    mend();
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^close-wait-guard: something of a socket could not be read, .*a bug of the application/s),
    ]);
  });

  it.each(ODD)('is reported beside the others: %s', async (_name, make) => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const register = new Registry();
    collectGuardMetrics(guard, { register });
    const seen = follow(guard);
    const on = (port: number) => () => seen.leaks.find(({ localPort }) => localPort === port);
    const server = make();
    const oddPort = await stage.listen(server);
    const ordinary = await stage.listen(net.createServer(() => {}));
    await stage.visit(oddPort, server instanceof http.Server ? post() : 'hello');
    await stage.visit(ordinary, 'hello');

    expectKernelAgrees(await until('the odd leak', on(oddPort)));
    expectKernelAgrees(await until('the ordinary leak', on(ordinary)));
    const later = await stage.listen(net.createServer(() => {}));
    await stage.visit(later, 'hello');
    await until('a later leak', on(later));
    expect(seen.leaks).toHaveLength(3);

    const ports = [oddPort, ordinary, later].sort();
    expect(
      guard
        .leaks()
        .map(({ localPort }) => localPort)
        .sort(),
    ).toEqual(ports);
    expect(
      guard
        .sockets()
        .map(({ localPort }) => localPort)
        .sort(),
    ).toEqual(ports);
    expect(guard.stats()).toMatchObject({ errors: { sample: 0, announce: 0 } });
    expect(valueOf(await register.metrics(), 'close_wait_leaked_sockets')).toBe(3);
    mend();
    for (const { id } of seen.leaks) seen.sockets.get(id)?.resetAndDestroy();
    await until('all to be released', () => seen.released.length === 3);
  });
});
