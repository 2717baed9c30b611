import { Server, type Socket } from 'node:net';
import { badArgument, GuardError } from '../base/errors.js';
import { fact, takeFactFailures } from '../base/fact.js';
import { VERSION } from '../base/version.js';
import type { LeakKind } from '../base/vocabulary.js';
import { isOpenAt, socketsWithClosingPeer } from '../kernel/closing-peers.js';
import type { NativeBinding } from '../kernel/native.js';
import { ephemeralPorts } from '../kernel/port-range.js';
import { takeStacks, traceRequests } from '../layers/origin.js';
import type { LeakReport } from '../leaks/report.js';
import { addressesOf, defaultServerName, noteRoutesKnown, WatchedServers } from '../sockets/servers.js';
import { callGuarded } from './callbacks.js';
import { openTable, type Engine } from './engine.js';
import type { GuardEvents, GuardRole, SocketReport, WatchInternals, WatchOptions } from './face.js';
import { GUARD_BRAND, SAMPLE_ON_DEMAND } from './internals.js';
import type { Names } from './leak-facts.js';
import { checkWatchOptions, GuardEmitter } from './listener-names.js';
import { CensusOnce, listenerStats, type Listener } from './listeners.js';
import { resolveGuardOptions, type GuardOptions } from './options.js';
import { resolveReclaim } from './reclaim.js';
import { redactReport } from './redact.js';
import { answersFor, routeFinderOf, type Reporter } from './reporters.js';
import { Sampler } from './sampler.js';
import { GUARD_OPERATIONS, type GuardOperation, type GuardStats } from './stats.js';
import { LeakTallies } from './tallies.js';
import { warnFailure, warnUnsupported } from './warnings.js';

export { asLeak } from './face.js';
export { isGuard } from './internals.js';
export { isTcpAddress, type RouteFinder } from '../sockets/servers.js';

export type { SocketReport, WatchOptions } from './face.js';

const NOTHING_COUNTED = { halfClosed: [], oldestMs: 0, unreadBytes: 0, portCollisionRatio: 0 };

/**
 * Finds leaked sockets of this thread, see {@link createGuard}. Where the addon cannot run, `supported` is false and
 * every method works and finds nothing.
 */
export class Guard extends GuardEmitter implements Disposable {
  /** What any copy of this library knows a guard by. @internal */
  readonly [GUARD_BRAND] = true;
  /** False where the addon cannot run (another OS, no binary): the guard then finds nothing. */
  readonly supported: boolean;
  readonly #unsupportedReason: string | undefined;
  readonly #servers = new WatchedServers();
  readonly #tallies = new LeakTallies();
  readonly #census = new CensusOnce();
  readonly #released: Record<LeakKind, number> = { 'close-wait': 0, reset: 0, stalled: 0 };
  readonly #reclaimed: Record<LeakKind, number> = { 'close-wait': 0, reset: 0, stalled: 0 };
  readonly #errors = Object.fromEntries(GUARD_OPERATIONS.map((name) => [name, 0])) as Record<GuardOperation, number>;
  readonly #reporter: Reporter;
  readonly #onLeak: GuardOptions['onLeak'];
  /** What leaves this guard is as the option `redact` wants it; what it counts from is whole. */
  readonly #public: <Report extends LeakReport>(report: Report) => Report;
  readonly #onDemand: boolean;
  /** Undefined where the addon cannot run, and after close(). */
  #engine: Engine | undefined;
  readonly #durationCallbacks = new Set<(seconds: number) => void>();
  #untrace: readonly (() => void)[] = [];
  #closed = false;

  /** Use {@link createGuard}. */
  constructor(options: GuardOptions = {}, { observer = false }: GuardRole = {}) {
    super();
    const resolved = resolveGuardOptions(options);
    const reclaim = resolveReclaim(options.reclaim);
    this.#onLeak = resolved.onLeak;
    this.#public = resolved.redact.includes('addresses') ? redactReport : (report) => report;
    this.#onDemand = resolved.sampleInterval === 0;
    this.#reporter = {
      watches: (server) => this.#servers.find(server) !== undefined,
      routeFinderOf: (server) => this.#servers.find(server)?.routeOf,
      wholeProcess: resolved.scope === 'process',
      hasCounted: (cookie) => this.#engine?.sampler.hasCounted(cookie) ?? false,
    };
    const opened = openTable();
    this.supported = opened.reason === undefined;
    this.#unsupportedReason = opened.reason;
    if (opened.reason !== undefined) {
      if (!opened.wanted) warnUnsupported(opened.reason);
      return;
    }
    const { binding, table, release } = opened;
    const sampler = new Sampler(binding, table, { ...resolved, observer, reclaim }, this.#reporter, this.#names, {
      counted: (leak) => {
        this.#tallies.countLeak(leak);
      },
      told: (report, socket) => {
        const leak = this.#public(report);
        this.#tell('leak', leak, socket);
        if (this.#onLeak && !this.#closed) this.#call(this.#onLeak, leak, socket);
      },
      released: (leak, report) => {
        this.#released[leak.kind]++;
        this.#tallies.countEnd(leak);
        if (report) this.#tell('released', this.#public(report));
      },
      changed: (leaks) => {
        this.#tallies.setOpen(leaks);
      },
      ended: (ageMs) => {
        for (const callback of this.#durationCallbacks) this.#call(callback, ageMs / 1000);
      },
      reclaimed: (leak, report) => {
        this.#reclaimed[report.kind]++;
        this.#tallies.countEnd(leak);
        this.#tell('reclaimed', this.#public(report));
      },
      filterFailed: (error) => {
        this.#fail('listener', error);
      },
      failed: (error) => {
        this.#fail('sample', error);
      },
    });
    this.#engine = { binding, table, release, sampler };
    if (resolved.traceRequests) table.followRequests();
    this.#untrace = [
      ...(resolved.traceRequests ? [traceRequests()] : []),
      ...(resolved.captureStacks ? [takeStacks()] : []),
    ];
  }

  /**
   * Reports the connections of `server` (net, tls, http, https or http2) under a name; with scope `'watched'`, the only
   * connections it reports. Returns its undo, which is idempotent.
   * @throws GuardError CWG_ERR_ARGUMENT, CWG_ERR_CLOSED
   */
  watch(server: Server, options: WatchOptions = {}, { addresses, routeOf }: WatchInternals = {}): () => void {
    if (this.#closed) {
      throw new GuardError('CWG_ERR_CLOSED', 'close-wait-guard: watch() was called on a guard that is closed');
    }
    if (!(server instanceof Server)) {
      throw badArgument('the server given to watch()', server, 'a net, tls, http, https or http2 server');
    }
    checkWatchOptions(options);
    const { name } = options;
    if (name !== undefined && (typeof name !== 'string' || !/^[\w.:@/ -]{1,100}$/.test(name))) {
      throw badArgument('the name given to watch()', name, '1 to 100 letters, digits, spaces or any of _ . : @ / -');
    }
    if (routeOf) noteRoutesKnown(server);
    return this.#servers.add({ server, name, addresses: addresses ?? (() => addressesOf(server)), routeOf });
  }

  /** The leaks of this moment, read from the kernel now. Costs one look; see `stats().lastSample`. */
  leaks(): LeakReport[] {
    return this.#sampled((sampler) => sampler.leaks()).map(this.#public);
  }

  /** Every half-closed, reset or stalled socket, leak or not yet, read from the kernel now. */
  sockets(): SocketReport[] {
    return this.#sampled((sampler) => sampler.sockets()).map(this.#public);
  }

  /** Ids of the sockets whose peer, on this host, has closed, and whose FIN has not arrived yet. @internal */
  departing(): Set<string> {
    try {
      const cookies = this.#engine ? socketsWithClosingPeer(this.#engine.binding) : [];
      return new Set(Array.from(cookies, String));
    } catch (error) {
      this.#fail('sock_diag', error);
      return new Set();
    }
  }

  /**
   * Aborts the connection of a half-closed, reset or stalled socket, by its id, as reclaiming a leak does. False when there
   * is none, or no JS socket of this thread owns it. For who knows that the socket is its own to end. @internal
   */
  destroy(id: string): boolean {
    return this.#engine?.sampler.destroy(id) ?? false;
  }

  /**
   * Whether the end at `localPort` of a connection on this host has not sent its FIN, whichever process holds it; undefined
   * where the kernel does not tell. @internal
   */
  holdsOpen(localPort: number, remotePort: number): boolean | undefined {
    if (!this.#engine) return undefined;
    try {
      return isOpenAt(this.#engine.binding, localPort, remotePort);
    } catch (error) {
      this.#fail('sock_diag', error);
      return undefined;
    }
  }

  /**
   * Counts as of the last sample, and the listeners' queues and fd use of this moment. Takes no sample and describes no
   * socket, so it is cheap however many leaks there are. Never throws.
   */
  stats(): GuardStats {
    const { binding, table, sampler } = this.#engine ?? {};
    this.#takeErrors();
    const counts = sampler
      ? fact(() => sampler.count(this.#nameOf, ephemeralPorts()), NOTHING_COUNTED)
      : NOTHING_COUNTED;
    const [openFds, fdLimit] = binding ? fact(() => binding.fdUsage(), [-1, 0]) : [-1, 0];
    return {
      version: VERSION,
      supported: this.supported,
      unsupportedReason: this.#unsupportedReason,
      watched: table?.watchedCount ?? 0,
      pending: table?.pendingCount ?? 0,
      ...counts,
      leaks: this.#tallies.list(),
      released: { ...this.#released },
      reclaimed: { ...this.#reclaimed },
      unreported: sampler?.untoldCount ?? 0,
      listeners: binding ? fact(() => this.#listenerStats(binding), []) : [],
      fds: { open: openFds < 0 ? undefined : openFds, limit: fdLimit },
      lastSample: sampler?.lastSample ?? { durationMs: 0, socketsRead: 0, endedAt: undefined },
      errors: { ...this.#errors },
    };
  }

  /**
   * Calls back with how long each socket was half-closed, reset or stalled, when it is closed; leak or not, but only those
   * that a sample saw. Returns its undo. @internal
   */
  onDuration(callback: (seconds: number) => void): () => void {
    this.#durationCallbacks.add(callback);
    return () => this.#durationCallbacks.delete(callback);
  }

  /**
   * Takes a sample where nothing but a demand does (`sampleInterval: 0`), and describes nothing; else the last one of the timer
   * stands. @internal
   */
  [SAMPLE_ON_DEMAND](): void {
    if (this.#onDemand) this.#sampled(() => []);
  }

  /** Stops sampling and leaves the process as it was. Idempotent. Listeners stay, and hear nothing more. */
  close(): void {
    this.#closed = true;
    this.#takeErrors();
    this.#engine?.sampler.close();
    this.#engine?.release();
    this.#engine = undefined;
    for (const undo of this.#untrace) undo();
    this.#servers.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The servers given to watch(), and those of the process that no guard watches, when this one answers for them. */
  #listenerStats(binding: NativeBinding): GuardStats['listeners'] {
    const others = (this.#engine?.table.listeningServers() ?? []).filter(
      (server) => !this.#servers.has(server) && answersFor(server) === this.#reporter,
    );
    const listeners: Listener[] = [
      ...this.#servers
        .all()
        .map(({ server, addresses }) => ({ server, name: this.#nameOf(server), addresses: addresses() })),
      ...others.map((server) => ({ server, name: this.#nameOf(server), addresses: addressesOf(server) })),
    ];
    return listenerStats(binding, listeners, this.#census, (error) => {
      this.#fail('sock_diag', error);
    });
  }

  readonly #nameOf = (server: Server, port?: number): string =>
    this.#servers.find(server)?.name ?? defaultServerName(server, port);

  readonly #names: Names = {
    ofServer: this.#nameOf,
    ofRoute: (server, request) => {
      try {
        return routeFinderOf(server)?.(request);
      } catch (error) {
        // A leak must not go unreported for want of a pattern.
        this.#fail(
          'sample',
          new Error('a route could not be looked up; reports have its path instead', { cause: error }),
        );
        // Nor be reclaimed where its route might forbid it.
        return { route: undefined, matched: undefined, reclaim: false };
      }
    },
  };

  /** What a sample taken now finds; what is known when it cannot be taken. Never throws. */
  #sampled<T>(read: (sampler: Sampler) => T[]): T[] {
    const { sampler } = this.#engine ?? {};
    if (!sampler) return [];
    try {
      sampler.sample();
      return read(sampler);
    } catch (error) {
      this.#fail('sample', error);
      return [];
    }
  }

  /** Every listener is called, whatever another one throws: a listener's fault is not the application's. */
  #tell(event: keyof GuardEvents, ...args: [LeakReport, (Socket | undefined)?]): void {
    for (const listener of this.rawListeners(event)) if (!this.#closed) this.#call(listener, ...args);
  }

  #call<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    callGuarded(callback, this, args, (error) => {
      this.#fail('listener', error);
    });
  }

  #takeErrors(): void {
    const facts = takeFactFailures();
    if (facts.count > 0) {
      this.#errors.fact += facts.count;
      warnFailure('fact', facts.first);
    }
    const taken = this.#engine?.table.takeErrors();
    if (!taken) return;
    for (const [operation, count] of Object.entries(taken)) this.#errors[operation as keyof typeof taken] += count;
  }

  #fail(operation: GuardOperation, error: unknown): void {
    this.#errors[operation]++;
    warnFailure(operation, error);
  }
}

/**
 * Starts a guard for this thread.
 * @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes.
 */
export function createGuard(options?: GuardOptions): Guard {
  return new Guard(options);
}
