import type { EventEmitter } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import { describe, expectTypeOf, it } from 'vitest';
import type { GUARD_ERROR_CODES, GuardError, LEAK_CAUSES, LEAK_KINDS } from '../../../src/index.js';
import {
  createGuard,
  type Guard,
  type GuardErrorCode,
  type GuardOptions,
  type GuardStats,
  type Framework,
  type LeakCause,
  type LeakReason,
  type LeakKind,
  type LeakReport,
  type RoutedRequest,
  type Side,
  type SocketReport,
} from '../../../src/index.js';

describe('createGuard', () => {
  it('takes options, all of them optional', () => {
    expectTypeOf(createGuard).parameter(0).toEqualTypeOf<GuardOptions | undefined>();
    expectTypeOf(createGuard).returns.toEqualTypeOf<Guard>();
    createGuard({ closeWaitTimeout: 1, sampleInterval: 0, scope: 'watched', maxReported: 5 });
    createGuard({ closeWaitTimeout: undefined, onLeak: undefined });
    createGuard({
      onLeak: (leak, socket) => {
        expectTypeOf(leak).toEqualTypeOf<LeakReport>();
        expectTypeOf(socket).toEqualTypeOf<Socket | undefined>();
      },
    });
  });

  it('refuses what is no option', () => {
    // @ts-expect-error No such option.
    createGuard({ timeout: 1 });
    // @ts-expect-error Milliseconds are a number.
    createGuard({ closeWaitTimeout: '60s' });
    // @ts-expect-error No such scope.
    createGuard({ scope: 'all' });
    // @ts-expect-error A listener takes a report.
    createGuard({ onLeak: (leak: string) => leak });
  });
});

describe('a guard', () => {
  const guard = {} as Guard;

  it('watches every server of Node', () => {
    expectTypeOf(guard.watch(net.createServer())).toEqualTypeOf<() => void>();
    guard.watch(tls.createServer());
    guard.watch(http.createServer(), { name: 'web' });
    guard.watch(https.createServer());
    guard.watch(http2.createServer());
    guard.watch(http2.createSecureServer());
    // @ts-expect-error A socket is no server.
    guard.watch(new net.Socket());
    // @ts-expect-error No such option.
    guard.watch(net.createServer(), { label: 'web' });
  });

  it('asks the application for the pattern of a route', () => {
    guard.watch(http.createServer(), { routeOf: () => undefined });
    // What a framework puts on a request is any.
    guard.watch(http.createServer(), { routeOf: (request) => request.route && request.baseUrl + request.route.path });
    guard.watch(http.createServer(), {
      name: 'shop',
      routeOf: (request) => {
        expectTypeOf(request).toEqualTypeOf<RoutedRequest>();
        expectTypeOf(request.url).toEqualTypeOf<string | undefined>();
        return (request as IncomingMessage & { pattern?: string }).pattern;
      },
    });
    // @ts-expect-error A pattern is a string.
    guard.watch(http.createServer(), { routeOf: () => 7 });
    // @ts-expect-error It cannot be async.
    guard.watch(http.createServer(), { routeOf: () => Promise.resolve('/items/:id') });
    // @ts-expect-error What a framework knows of its application is not for the public.
    guard.watch(http.createServer(), {}, {});
  });

  it('has nothing of its inside in its type', () => {
    expectTypeOf<Exclude<keyof Guard, keyof EventEmitter>>().toEqualTypeOf<
      'supported' | 'watch' | 'leaks' | 'sockets' | 'stats' | 'health' | 'close' | typeof Symbol.dispose
    >();
    // @ts-expect-error For this library's own tests.
    guard.socketsAwaitingFin();
    // @ts-expect-error As it was called.
    guard.departing();
    // @ts-expect-error For this library's own tests.
    guard.destroySocket('1');
    // @ts-expect-error For the checks of tests.
    guard.closeSockets(['1']);
    // @ts-expect-error For the metrics.
    guard.onDuration(() => {});
  });

  it('is made by createGuard() and by nothing else', () => {
    // @ts-expect-error A type and no value.
    expectTypeOf(new Guard()).toEqualTypeOf<Guard>();
  });

  it('says what it found', () => {
    expectTypeOf(guard.supported).toEqualTypeOf<boolean>();
    expectTypeOf(guard.leaks()).toEqualTypeOf<LeakReport[]>();
    expectTypeOf(guard.sockets()).toEqualTypeOf<SocketReport[]>();
    expectTypeOf(guard.stats()).toEqualTypeOf<GuardStats>();
    expectTypeOf<SocketReport['leaked']>().toEqualTypeOf<boolean>();
    expectTypeOf<SocketReport['ignored']>().toEqualTypeOf<boolean>();
    expectTypeOf(guard).toExtend<Disposable>();
  });

  it('has typed events', () => {
    guard.on('leak', (leak, socket) => {
      expectTypeOf(leak).toEqualTypeOf<LeakReport>();
      expectTypeOf(socket).toEqualTypeOf<Socket | undefined>();
    });
    guard.once('released', (leak) => expectTypeOf(leak).toEqualTypeOf<LeakReport>());
    guard.off('reclaimed', (leak) => expectTypeOf(leak).toEqualTypeOf<LeakReport>());
    // @ts-expect-error There is no release event without a report.
    guard.on('released', (leak: LeakReport, socket: Socket) => [leak, socket]);
  });
});

describe('a report', () => {
  it('is plain data with closed sets', () => {
    expectTypeOf<LeakReport>().toEqualTypeOf<{
      readonly id: string;
      readonly kind: LeakKind;
      readonly cause: LeakCause;
      readonly fingerprint: string;
      readonly count: number;
      readonly reason: LeakReason | undefined;
      readonly explanation: string;
      readonly fix: string;
      readonly side: Side;
      readonly framework: Framework | undefined;
      readonly fd: number;
      readonly state: LeakReport['state'];
      readonly server: string | undefined;
      readonly method: string | undefined;
      readonly route: string | undefined;
      readonly path: string | undefined;
      readonly registeredAt: string | undefined;
      readonly destination: string | undefined;
      readonly traceId: string | undefined;
      readonly spanId: string | undefined;
      readonly traceFlags: string | undefined;
      readonly requestId: string | undefined;
      readonly requestedBy: string | undefined;
      readonly localAddress: string | undefined;
      readonly localPort: number | undefined;
      readonly remoteAddress: string | undefined;
      readonly remotePort: number | undefined;
      readonly ageMs: number;
      readonly idleMs: number;
      readonly takenBytes: number | undefined;
      readonly declaredBytes: number | undefined;
      readonly waitsFor: string | undefined;
      readonly endsInMs: number | undefined;
      readonly unreadKernelBytes: number;
      readonly unreadStreamBytes: number;
      readonly unsentBytes: number;
      readonly stack: string | undefined;
    }>();
    expectTypeOf<LeakKind>().toEqualTypeOf<'close-wait' | 'reset' | 'stalled'>();
    expectTypeOf<Side>().toEqualTypeOf<'inbound' | 'outbound' | 'unknown'>();
    expectTypeOf<'CLOSE_WAIT' | 'CLOSE' | 'UNKNOWN'>().toExtend<LeakReport['state']>();
    expectTypeOf<(typeof LEAK_CAUSES)[number]>().toEqualTypeOf<LeakCause>();
    expectTypeOf<(typeof LEAK_KINDS)[number]>().toEqualTypeOf<LeakKind>();
  });
});

describe('an error', () => {
  it('has a code of a closed set', () => {
    expectTypeOf<GuardError>().toExtend<Error>();
    expectTypeOf<GuardError['code']>().toEqualTypeOf<GuardErrorCode>();
    expectTypeOf<(typeof GUARD_ERROR_CODES)[number]>().toEqualTypeOf<GuardErrorCode>();
    // @ts-expect-error No such code.
    expectTypeOf<'CWG_ERR_OTHER'>().toExtend<GuardErrorCode>();
  });
});
