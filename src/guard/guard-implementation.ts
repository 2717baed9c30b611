import { Server, type Socket } from 'node:net';
import { badArgument, GuardError } from '../base/errors.js';
import type { LeakKind } from '../base/vocabulary.js';
import { openEndsAt, socketsWithClosingPeer } from '../kernel/closing-peers.js';
import { takeStacks, traceRequests } from '../layers/origin.js';
import type { LeakReport } from '../leaks/report.js';
import { addressesOf, noteRoutesKnown, WatchedServers } from '../sockets/servers.js';
import { callGuarded } from './callbacks.js';
import { Failures } from './failures.js';
import { HealthJudge, type Health, type HealthLimits } from './health.js';
import { GUARD_INTERNALS, type DurationCallback, type GuardInternals, type WatchedApplication } from './internals.js';
import { GuardEmitter } from './guard-emitter.js';
import { openTable, type OpenTable } from './open-table.js';
import { resolveGuardOptions, type GuardOptions, type ResolvedGuardOptions } from './options.js';
import { redactReport } from './redact.js';
import type { Reporter } from './reporters.js';
import { routeFinderFrom } from './route-of.js';
import type { HowToLook, SamplerEvents } from './sampler-parts.js';
import { Sampler } from './sampler.js';
import { ServerNames } from './server-names.js';
import { StatsReader, type GuardResources } from './stats-reader.js';
import type { GuardStats } from './stats.js';
import { LeakTallies } from './tallies.js';
import { SocketTimeOuts } from './time-outs.js';
import type { Guard, GuardEvents, SocketReport, WatchOptions } from './types.js';
import { warnUnsupported } from './warnings.js';
import { checkWatchOptions } from './watch-options.js';

/** What createGuard() returns as a {@link Guard}. The rest of this library reaches the inside through {@link GuardInternals}. */
export class GuardImplementation extends GuardEmitter implements Guard {
  readonly supported: boolean;
  readonly #unsupportedReason: string | undefined;
  readonly #failures = new Failures();
  readonly #servers = new WatchedServers();
  readonly #names = new ServerNames(this.#servers, this.#failures);
  readonly #tallies = new LeakTallies();
  readonly #released: Record<LeakKind, number> = { 'close-wait': 0, reset: 0, stalled: 0 };
  readonly #reclaimed: Record<LeakKind, number> = { 'close-wait': 0, reset: 0, stalled: 0 };
  readonly #reporter: Reporter;
  readonly #stats: StatsReader;
  readonly #onLeak: GuardOptions['onLeak'];
  /** What leaves this guard is as the option `redact` wants it; what it counts from is whole. */
  readonly #public: <Report extends LeakReport>(report: Report) => Report;
  readonly #onDemand: boolean;
  /** Undefined where the addon cannot run, and after close(). */
  #resources: GuardResources | undefined;
  readonly #health = new HealthJudge();
  readonly #durationCallbacks = new Set<DurationCallback>();
  #untrace: readonly (() => void)[] = [];
  #closed = false;

  constructor(options: GuardOptions = {}, how: HowToLook = {}) {
    super();
    const resolved = resolveGuardOptions(options);
    this.#onLeak = resolved.onLeak;
    this.#public = resolved.redact.includes('addresses') ? redactReport : (report) => report;
    this.#onDemand = resolved.sampleInterval === 0;
    this.#reporter = {
      watches: (server) => this.#servers.find(server) !== undefined,
      routeFinderOf: (server) => this.#servers.find(server)?.routeOf,
      wholeProcess: resolved.scope === 'process',
      hasCounted: (cookie) => this.#resources?.sampler.hasCounted(cookie) ?? false,
    };
    this.#stats = new StatsReader(this.#servers, this.#names.ofServer, this.#reporter);
    const opened = openTable();
    if ('reason' in opened) {
      this.supported = false;
      this.#unsupportedReason = opened.reason;
      if (!opened.wanted) warnUnsupported(opened.reason);
      return;
    }
    this.supported = true;
    this.#start(opened, resolved, how);
  }

  #start(opened: OpenTable, options: ResolvedGuardOptions, how: HowToLook): void {
    const { binding, table } = opened;
    const { observer = false, whole = false, lateComer = false } = how;
    if (lateComer) table.takeInEarlier();
    const sampler = new Sampler(
      binding,
      table,
      { ...options, observer, whole },
      this.#reporter,
      this.#names,
      new SocketTimeOuts(options.closeWaitTimeout, this.#servers, this.#names),
      this.#samplerEvents(),
    );
    this.#resources = { ...opened, sampler };
    if (options.traceRequests) table.followRequests();
    this.#untrace = [
      ...(options.traceRequests ? [traceRequests()] : []),
      ...(options.captureStacks ? [takeStacks()] : []),
    ];
  }

  #samplerEvents(): SamplerEvents {
    return {
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
      ended: (ageMs, traced) => {
        for (const callback of this.#durationCallbacks) this.#call(callback, ageMs / 1000, traced);
      },
      reclaimed: (leak, report) => {
        this.#reclaimed[report.kind]++;
        this.#tallies.countEnd(leak);
        this.#tell('reclaimed', this.#public(report));
      },
      filterFailed: this.#internals.callbackFailed,
      failed: (error) => {
        this.#failures.note('sample', error);
      },
    };
  }

  watch(server: Server, options: WatchOptions = {}): () => void {
    return this.#watch(server, options, {});
  }

  leaks(): LeakReport[] {
    return this.#sampled((sampler) => sampler.leaks()).map(this.#public);
  }

  sockets(): SocketReport[] {
    return this.#sampled((sampler) => sampler.sockets()).map(this.#public);
  }

  stats(): GuardStats {
    return this.#stats.read(this.#resources, {
      unsupportedReason: this.#unsupportedReason,
      tallies: this.#tallies,
      released: this.#released,
      reclaimed: this.#reclaimed,
      failures: this.#failures,
    });
  }

  health(limits: HealthLimits = {}): Health {
    return this.#health.judge(this.#stats.healthCounts(this.#resources?.sampler), limits);
  }

  close(): void {
    this.#closed = true;
    this.#failures.takeNoted(this.#resources?.table);
    this.#resources?.sampler.close();
    this.#resources?.release();
    this.#resources = undefined;
    for (const dispose of this.#untrace) dispose();
    this.#servers.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get [GUARD_INTERNALS](): GuardInternals {
    return this.#internals;
  }

  readonly #internals: GuardInternals = {
    watch: (server, options, application) => this.#watch(server, options, application),
    onDuration: (callback) => {
      this.#durationCallbacks.add(callback);
      return () => this.#durationCallbacks.delete(callback);
    },
    sampleOnDemand: () => {
      if (this.#onDemand) this.#sampled(() => []);
    },
    callbackFailed: (error) => {
      this.#failures.note('callback', error);
    },
    socketsAwaitingFin: () =>
      this.#asked((binding) => new Set(Array.from(socketsWithClosingPeer(binding), String))) ?? new Set(),
    destroySocket: (id) => this.#resources?.sampler.byId.destroy(id) ?? false,
    closeSockets: (ids) => this.#resources?.sampler.byId.close(ids),
    socketOf: (id) => this.#resources?.sampler.byId.socketOf(id),
    enderOf: (id) => this.#resources?.sampler.byId.enderOf(id),
    openEndsAt: (localPort) => this.#asked((binding) => openEndsAt(binding, localPort)),
    heldIds: () => this.#sampled((sampler) => sampler.byId.all()),
    reportOf: (id) => this.#resources?.sampler.byId.reportOf(id),
  };

  #watch(server: Server, options: WatchOptions, application: WatchedApplication): () => void {
    if (this.#closed) {
      throw new GuardError('CWG_ERR_CLOSED', 'close-wait-guard: watch() was called on a guard that is closed');
    }
    if (!(server instanceof Server)) {
      throw badArgument('the server given to watch()', server, 'a net, tls, http, https or http2 server');
    }
    const { name, routeOf, timeOuts } = checkWatchOptions(options);
    const { addresses, findRoute } = application;
    if (findRoute) noteRoutesKnown(server);
    return this.#servers.add({
      server,
      name,
      addresses: addresses ?? (() => addressesOf(server)),
      routeOf: findRoute ?? (routeOf && routeFinderFrom(routeOf, this.#internals.callbackFailed)),
      timeOuts: timeOuts ?? application.timeOuts,
    });
  }

  /** What a sample taken now finds; what is known when it cannot be taken. Never throws. */
  #sampled<T>(read: (sampler: Sampler) => T[]): T[] {
    const { sampler } = this.#resources ?? {};
    if (!sampler) return [];
    try {
      sampler.sample();
      return read(sampler);
    } catch (error) {
      this.#failures.note('sample', error);
      return [];
    }
  }

  /** What sock_diag says; undefined when it cannot be asked. Never throws. */
  #asked<T>(ask: (binding: GuardResources['binding']) => T): T | undefined {
    if (!this.#resources) return undefined;
    try {
      return ask(this.#resources.binding);
    } catch (error) {
      this.#failures.note('sock_diag', error);
      return undefined;
    }
  }

  /** Every listener is called, whatever another one throws: a listener's fault is not the application's. */
  #tell(event: keyof GuardEvents, ...args: [LeakReport, (Socket | undefined)?]): void {
    for (const listener of this.rawListeners(event)) if (!this.#closed) this.#call(listener, ...args);
  }

  #call<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): void {
    callGuarded(callback, this, args, this.#internals.callbackFailed);
  }
}
