import { EventEmitter } from 'node:events';
import { clearImmediate, clearInterval, setImmediate, setInterval } from 'node:timers';
import { Server, type AddressInfo, type Socket } from 'node:net';
import { badArgument, GuardError } from './errors.js';
import { loopIdleMs, monotonicMs } from './clock.js';
import { closeClaims, noteGone, noteReported, openClaims, reporterOf, type Claimant } from './claims.js';
import { describe, sightingOf } from './describe.js';
import { loadBinding } from './kernel/loader.js';
import type { NativeBinding } from './kernel/native.js';
import { heldByAnotherWatch } from './kernel/other-watches.js';
import { listenerStats } from './listeners.js';
import { LoopClock } from './leaks/loop-clock.js';
import type { LeakKind, LeakReport } from './leaks/report.js';
import { LeakTracker } from './leaks/tracker.js';
import { resolveGuardOptions, type GuardOptions, type ResolvedGuardOptions } from './options.js';
import type { Departed } from './sockets/facts.js';
import { serverOf } from './sockets/node-internals.js';
import { defaultServerName, tcpAddressOf, WatchedServers } from './sockets/servers.js';
import { acquireTable } from './sockets/shared-table.js';
import type { SocketTable } from './sockets/socket-table.js';
import { GUARD_OPERATIONS, LeakTallies, type GuardOperation, type GuardStats } from './stats.js';
import { warnFailure, warnUnsupported } from './warnings.js';

/** A half-closed, reset or stalled socket: a leak, or not yet one. */
export interface SocketReport extends LeakReport {
  /** True when it has been reported as a leak. */
  readonly leaked: boolean;
}

export interface WatchOptions {
  /** What reports and metrics call the server. @default its protocol and port, as in `http:8080` */
  name?: string | undefined;
}

/** How a guard is used by another part of this library. @internal */
export interface GuardRole {
  /** Sees every socket whoever reports it, and is never the one that reports: for tests. */
  readonly observer?: boolean;
}

/** @internal */
export interface WatchInternals {
  readonly addresses?: () => readonly AddressInfo[];
}

interface GuardEvents {
  /** A socket became a leak. Once for each. The socket is undefined when no JS socket of this thread owns the fd. */
  leak: [leak: LeakReport, socket: Socket | undefined];
  /** A reported leak was closed after all. Once for each. */
  released: [leak: LeakReport];
  /** A leak was destroyed by the guard. Not emitted in this version. */
  reclaimed: [leak: LeakReport];
}

/**
 * Finds leaked sockets of this thread, see {@link createGuard}. Where the addon cannot run, `supported` is false and
 * every method works and finds nothing.
 */
export class Guard extends EventEmitter<GuardEvents> implements Disposable {
  readonly #options: ResolvedGuardOptions;
  readonly #servers = new WatchedServers();
  readonly #tallies = new LeakTallies();
  readonly #released: Record<LeakKind, number> = { 'close-wait': 0, reset: 0, stalled: 0 };
  readonly #errors = Object.fromEntries(GUARD_OPERATIONS.map((name) => [name, 0])) as Record<GuardOperation, number>;
  readonly #tracker: LeakTracker;
  readonly #clock: LoopClock;
  readonly #claimant: Claimant;
  readonly #observer: boolean;
  readonly #binding: NativeBinding | undefined;
  readonly #unsupportedReason: string | undefined;
  readonly #open: { table: SocketTable; release: () => void } | undefined;
  /** The last report of each open leak: what is left to say of it once it is closed. */
  readonly #reported = new Map<bigint, LeakReport>();
  /** Due at the last timed sample; a leak if still due one full turn of the loop later. */
  #suspects = new Set<bigint>();
  #departed = new Map<bigint, Departed>();
  #timer: NodeJS.Timeout | undefined;
  #recheck: NodeJS.Immediate | undefined;
  #unreported = 0;
  #lastSample = { durationMs: 0, socketsRead: 0 };
  #closed = false;

  /** Use {@link createGuard}. */
  constructor(options: GuardOptions = {}, role: GuardRole = {}) {
    super();
    this.#options = resolveGuardOptions(options);
    const { closeWaitTimeout, sampleInterval, maxReported, scope } = this.#options;
    this.#tracker = new LeakTracker(closeWaitTimeout, maxReported);
    this.#clock = new LoopClock(sampleInterval, monotonicMs(), loopIdleMs());
    this.#observer = role.observer ?? false;
    this.#claimant = { watches: (server) => this.#servers.find(server) !== undefined, takesTheRest: scope === 'process' };
    const { binding, table, reason } = openTable();
    this.#binding = binding;
    this.#open = table;
    this.#unsupportedReason = reason;
    if (reason !== undefined) {
      warnUnsupported(reason);
      return;
    }
    if (!this.#observer) openClaims(this.#claimant);
    if (sampleInterval > 0) {
      this.#timer = setInterval(() => {
        this.#sampleOnTimer();
      }, sampleInterval).unref();
    }
  }

  /** False where the addon cannot run (another OS, no binary): the guard then finds nothing. */
  get supported(): boolean {
    return this.#open !== undefined;
  }

  /**
   * Reports the connections of `server` (net, tls, http, https or http2) under a name; with scope `'watched'`, the only
   * connections it reports. Returns its undo, which is idempotent.
   * @throws GuardError CWG_ERR_ARGUMENT, CWG_ERR_CLOSED
   */
  watch(server: Server, options: WatchOptions = {}, { addresses }: WatchInternals = {}): () => void {
    this.#assertOpen('watch');
    if (!(server instanceof Server)) throw badArgument('the server given to watch()', server, 'a net, tls, http, https or http2 server');
    const { name } = options;
    if (name !== undefined && (typeof name !== 'string' || !/^[\w.:@/ -]{1,100}$/.test(name))) {
      throw badArgument('the name given to watch()', name, '1 to 100 letters, digits, spaces or any of _ . : @ / -');
    }
    return this.#servers.add({ server, name, addresses: addresses ?? (() => addressesOf(server)) });
  }

  /** The leaks of this moment, read from the kernel now. Costs one look; see `stats().lastSample`. */
  leaks(): LeakReport[] {
    this.#lookOnDemand();
    for (const id of this.#reported.keys()) this.#refresh(id);
    return [...this.#reported.values()];
  }

  /** Every half-closed, reset or stalled socket, leak or not yet, read from the kernel now. */
  sockets(): SocketReport[] {
    this.#lookOnDemand();
    return this.#describeAll();
  }

  /** Counts as of the last sample, and the listeners' queues and fd use of this moment. */
  stats(): GuardStats {
    const binding = this.#closed ? undefined : this.#binding;
    const table = this.#closed ? undefined : this.#open?.table;
    const all = this.#describeAll();
    const [open, limit] = binding ? binding.fdUsage() : [-1, 0];
    this.#tallies.setOpen(all.filter(({ leaked }) => leaked));
    return {
      supported: this.supported,
      unsupportedReason: this.#unsupportedReason,
      watched: table?.watchedCount ?? 0,
      pending: table?.pendingCount ?? 0,
      halfClosed: countHalfClosed(all),
      leaks: this.#tallies.list(),
      released: { ...this.#released },
      unreported: this.#unreported,
      oldestMs: all.reduce((oldest, { ageMs }) => Math.max(oldest, ageMs), 0),
      unreadBytes: all.reduce((sum, s) => (s.leaked ? sum + s.unreadKernelBytes + s.unreadStreamBytes : sum), 0),
      listeners: binding ? listenerStats(binding, this.#servers, this.#nameOf, (error) => { this.#fail('sock_diag', error); }) : [],
      fds: { open: open < 0 ? undefined : open, limit },
      lastSample: this.#lastSample,
      errors: { ...this.#errors, watch_add: table?.errors.watch_add ?? 0, fd_walk: table?.errors.fd_walk ?? 0 },
    };
  }

  /** Stops sampling and leaves the process as it was. Idempotent. Listeners stay, and hear nothing more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    if (this.#recheck) clearImmediate(this.#recheck);
    closeClaims(this.#claimant);
    this.#open?.release();
    this.#servers.clear();
    this.#departed.clear();
    this.#reported.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sampleOnTimer(): void {
    this.#guarded(() => {
      const due = new Set<bigint>();
      this.#look({ minAgeMs: this.#options.sampleInterval }, (id) => {
        due.add(id);
        return false;
      });
      this.#suspects = due;
      if (due.size > 0 && !this.#recheck) this.#recheckAfterOneTurn();
    });
  }

  /** Two immediates are one full turn: whatever was ready before has been handled, and the poll phase has run again. */
  #recheckAfterOneTurn(): void {
    this.#recheck = setImmediate(() => {
      this.#recheck = setImmediate(() => {
        this.#recheck = undefined;
        this.#guarded(() => {
          this.#look({ minAgeMs: this.#options.sampleInterval }, (id) => this.#suspects.has(id));
        });
      }).unref();
    }).unref();
  }

  #lookOnDemand(): void {
    if (this.#closed) return;
    this.#guarded(() => {
      this.#look({ young: true, wholeFdTable: this.#options.sampleInterval === 0 }, () => true);
    });
  }

  #look(how: Parameters<SocketTable['look']>[1], mayReport: (id: bigint) => boolean): void {
    const { table } = this.#open ?? {};
    if (!table) return;
    const startedAt = monotonicMs();
    const departed = table.look(startedAt, how).filter((socket) => this.#isMine(socket));
    this.#departed = new Map(departed.map((socket) => [socket.cookie, socket]));
    const verdict = this.#tracker.observe(
      departed.map(sightingOf),
      startedAt,
      this.#clock.advance(startedAt, loopIdleMs()),
      (id) => mayReport(id) && !this.#leftToAnotherThread(id),
    );
    this.#unreported = verdict.withheld;
    for (const { id } of verdict.leaked) this.#report(id);
    for (const { id, ageMs } of verdict.released) this.#release(id, ageMs);
    this.#lastSample = { durationMs: monotonicMs() - startedAt, socketsRead: departed.length };
  }

  #isMine({ cookie, socket, side }: Departed): boolean {
    const server = side === 'inbound' && socket ? serverOf(socket) : undefined;
    if (this.#observer) return this.#options.scope === 'process' || (server !== undefined && this.#claimant.watches(server));
    return reporterOf(cookie, server) === this.#claimant;
  }

  #leftToAnotherThread(id: bigint): boolean {
    const departed = this.#departed.get(id);
    if (!departed || departed.side !== 'unknown' || !heldByAnotherWatch(id)) return false;
    this.#open?.table.leaveToOtherThread(departed);
    this.#departed.delete(id);
    this.#tracker.forget(id);
    return true;
  }

  #report(id: bigint): void {
    const report = this.#describeOne(id);
    if (!report) return;
    this.#reported.set(id, report);
    this.#tallies.countLeak(report);
    if (!this.#observer) noteReported(id, this.#claimant);
    const socket = this.#departed.get(id)?.socket;
    this.#tell('leak', report, socket);
    if (this.#options.onLeak) this.#call(this.#options.onLeak, report, socket);
  }

  #release(id: bigint, ageMs: number): void {
    const last = this.#reported.get(id);
    this.#reported.delete(id);
    if (!this.#observer) noteGone(id);
    if (!last) return;
    this.#released[last.kind]++;
    this.#tell('released', { ...last, ageMs: Math.round(ageMs) });
  }

  #refresh(id: bigint): void {
    const report = this.#describeOne(id);
    if (report) this.#reported.set(id, report);
  }

  #describeOne(id: bigint): LeakReport | undefined {
    const departed = this.#departed.get(id);
    const tracked = this.#tracker.get(id);
    return this.#binding && departed && tracked && describe(this.#binding, departed, tracked, this.#nameOf);
  }

  #describeAll(): SocketReport[] {
    return Array.from(this.#departed.keys()).flatMap((id) => {
      if (this.#tracker.get(id)?.kind === 'closing') return [];
      const report = this.#describeOne(id);
      return report ? [{ ...report, leaked: this.#reported.has(id) }] : [];
    });
  }

  readonly #nameOf = (server: Server, port?: number): string => {
    const watched = this.#servers.find(server);
    return watched?.name ?? defaultServerName(server, port);
  };

  /** Every listener is called, whatever another one throws: a listener's fault is not the application's. */
  #tell(event: 'leak' | 'released', ...args: [LeakReport, (Socket | undefined)?]): void {
    for (const listener of this.rawListeners(event)) this.#call(listener as (...args: unknown[]) => void, ...args);
  }

  #call<A extends unknown[]>(callback: (...args: A) => void, ...args: A): void {
    try {
      Reflect.apply(callback, this, args);
    } catch (error) {
      this.#fail('listener', error);
    }
  }

  /** What goes wrong while looking must never reach the application: it is counted, and said once. */
  #guarded(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#fail('sample', error);
    }
  }

  #fail(operation: GuardOperation, error: unknown): void {
    this.#errors[operation]++;
    warnFailure(operation, error);
  }

  #assertOpen(method: string): void {
    if (this.#closed) throw new GuardError('CWG_ERR_CLOSED', `close-wait-guard: ${method}() was called on a guard that is closed`);
  }
}

/**
 * Starts a guard for this thread.
 * @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes.
 */
export function createGuard(options?: GuardOptions): Guard {
  return new Guard(options);
}

function openTable(): { binding?: NativeBinding; table?: ReturnType<typeof acquireTable>; reason?: string } {
  const loaded = loadBinding();
  if (!loaded.binding) return { reason: loaded.reason };
  try {
    return { binding: loaded.binding, table: acquireTable(loaded.binding, monotonicMs()) };
  } catch (error) {
    return { reason: `its half-close watch could not be opened (${error instanceof Error ? error.message : String(error)})` };
  }
}

function addressesOf(server: Server): AddressInfo[] {
  const address = tcpAddressOf(server);
  return address ? [address] : [];
}

function countHalfClosed(sockets: readonly SocketReport[]): GuardStats['halfClosed'] {
  const counts = new Map<string, { side: SocketReport['side']; server: string; count: number }>();
  for (const { kind, side, server = '' } of sockets) {
    if (kind !== 'close-wait') continue;
    const key = `${side} ${server}`;
    const entry = counts.get(key) ?? { side, server, count: 0 };
    entry.count++;
    counts.set(key, entry);
  }
  return [...counts.values()];
}
