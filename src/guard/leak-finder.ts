import type { Socket } from 'node:net';
import { clearImmediate, clearInterval, setImmediate, setInterval } from 'node:timers';
import { loopIdleMs, monotonicMs } from '../kernel/clock.js';
import type { NativeBinding } from '../kernel/native.js';
import { holderOf, isWatchedBy } from '../kernel/holders.js';
import { LoopClock } from '../leaks/loop-clock.js';
import type { LeakReport } from '../leaks/report.js';
import { LeakTracker } from '../leaks/tracker.js';
import type { ResolvedGuardOptions } from '../options.js';
import type { Departed } from '../sockets/facts.js';
import type { LookOptions, SocketTable } from '../sockets/socket-table.js';
import { closeClaims, noteGone, noteReported, openClaims, reporterOf, type Claimant } from './claims.js';
import { describe, routeAllowsReclaim, routeLabelOf, sightingOf, type Names } from './describe.js';
import { mayReclaim, reclaim, type ReclaimPolicy } from './reclaim.js';
import type { LastSample } from './stats.js';

/** Who hears of what a look found. */
export interface FinderEvents {
  leaked(report: LeakReport, socket: Socket | undefined, routeLabel: string | undefined): void;
  released(report: LeakReport): void;
  reclaimed(report: LeakReport): void;
  /** A socket whose peer had left is closed, leak or not. */
  ended(ageMs: number): void;
  /** A filter of the application threw. */
  filterFailed(error: unknown): void;
  failed(error: unknown): void;
}

export interface FinderOptions extends ResolvedGuardOptions {
  readonly reclaim: ReclaimPolicy | undefined;
  /** Sees every socket, whoever reports it, and claims none: for tests. */
  readonly observer: boolean;
}

/**
 * The engine of a guard: takes a look now and then or on demand, joins table, tracker and diagnosis, and tells of each
 * leak once. What goes wrong while looking never leaves it but through `failed`.
 */
export class LeakFinder {
  readonly #binding: NativeBinding;
  readonly #table: SocketTable;
  readonly #options: FinderOptions;
  readonly #claimant: Claimant;
  readonly #names: Names;
  readonly #events: FinderEvents;
  readonly #tracker: LeakTracker;
  readonly #clock: LoopClock;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #endTimedLooks: (() => void) | undefined;
  readonly #foreignEveryMs: number;
  readonly #timedLook: LookOptions;
  /** The last report of each open leak: what is left to say of it once it is closed. */
  readonly #reported = new Map<bigint, LeakReport>();
  /** Processes that hold what only another process holds. */
  readonly #holders = new Map<bigint, number>();
  #departed = new Map<bigint, Departed>();
  /** Due at the last timed sample: leaks if they still are one full turn of the loop later. */
  #suspects = new Set<bigint>();
  #recheck: NodeJS.Immediate | undefined;
  #withheld = 0;
  #closed = false;
  #lastSample: LastSample = { durationMs: 0, socketsRead: 0, endedAt: 0 };

  constructor(
    binding: NativeBinding,
    table: SocketTable,
    options: FinderOptions,
    claimant: Claimant,
    names: Names,
    events: FinderEvents,
  ) {
    this.#binding = binding;
    this.#table = table;
    this.#options = options;
    this.#claimant = claimant;
    this.#names = names;
    this.#events = events;
    this.#tracker = new LeakTracker(options.closeWaitTimeout, options.maxReported);
    this.#clock = new LoopClock(options.sampleInterval, monotonicMs(), loopIdleMs());
    // A dump costs what the network namespace holds: four in a time-out are enough to be exact to a quarter of it.
    this.#foreignEveryMs = options.closeWaitTimeout / 4;
    this.#timedLook = { minAgeMs: options.sampleInterval, foreignEveryMs: this.#foreignEveryMs };
    if (!options.observer) openClaims(claimant);
    if (options.sampleInterval > 0) {
      this.#endTimedLooks = table.expectTimedLooks();
      this.#timer = setInterval(() => {
        this.#sampleOnTimer();
      }, options.sampleInterval).unref();
    }
  }

  /** Leaks that `maxReported` keeps from being reported. */
  get withheld(): number {
    return this.#withheld;
  }

  get lastSample(): LastSample {
    return this.#lastSample;
  }

  /** Looks at every socket now, also the youngest. */
  look(): void {
    const wholeFdTable = this.#options.sampleInterval === 0;
    this.#look({ young: true, wholeFdTable, foreignEveryMs: wholeFdTable ? 0 : this.#foreignEveryMs }, () => true);
  }

  /** The open leaks as of the last look. */
  leaks(): LeakReport[] {
    for (const id of this.#reported.keys()) {
      const report = this.#describe(id);
      if (report) this.#reported.set(id, report);
    }
    return [...this.#reported.values()];
  }

  /** Every socket of the last look whose peer has left, leak or not yet. */
  sockets(): (LeakReport & { readonly leaked: boolean })[] {
    return Array.from(this.#departed.keys()).flatMap((id) => {
      if (this.#tracker.get(id)?.kind === 'closing') return [];
      const report = this.#describe(id);
      return report ? [{ ...report, leaked: this.#reported.has(id) }] : [];
    });
  }

  /** What counts call the route of a socket of the last look. */
  routeLabel(report: LeakReport): string | undefined {
    const departed = this.#departed.get(BigInt(report.id));
    return departed ? routeLabelOf(departed, report, this.#names) : report.route;
  }

  /** Ends one socket that is there after a look now, whether it is due or not. False when there is none that can be ended. */
  destroy(id: string): boolean {
    this.look();
    const cookie = BigInt(id);
    const socket = this.#departed.get(cookie)?.socket;
    const report = this.#describe(cookie);
    if (!socket || !report) return false;
    reclaim(this.#binding, socket, cookie, report);
    this.#forget(cookie);
    return true;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#endTimedLooks?.();
    if (this.#recheck) clearImmediate(this.#recheck);
    closeClaims(this.#claimant);
  }

  #sampleOnTimer(): void {
    const due = new Set<bigint>();
    this.#look(this.#timedLook, (id) => {
      due.add(id);
      return false;
    });
    this.#suspects = due;
    if (due.size > 0 && !this.#recheck) this.#recheckAfterOneTurn();
  }

  /** Two immediates are one full turn: whatever was ready before has been handled, and the poll phase has run again. */
  #recheckAfterOneTurn(): void {
    this.#recheck = setImmediate(() => {
      this.#recheck = setImmediate(() => {
        this.#recheck = undefined;
        this.#look(this.#timedLook, (id) => this.#suspects.has(id));
      }).unref();
    }).unref();
  }

  #look(how: LookOptions, mayReport: (id: bigint) => boolean): void {
    try {
      const startedAt = monotonicMs();
      const departed = this.#table.look(startedAt, how).filter((socket) => this.#isMine(socket));
      this.#departed = new Map(departed.map((socket) => [socket.cookie, socket]));
      const { leaked, ended, released, withheld } = this.#tracker.observe(
        departed.map(sightingOf),
        startedAt,
        this.#clock.advance(startedAt, loopIdleMs()),
        (id) => mayReport(id) && !this.#isAnsweredElsewhere(id),
      );
      this.#withheld = withheld;
      // A listener may close the guard: it hears of nothing more, and claims no socket.
      for (const { id } of leaked) if (!this.#closed) this.#report(id);
      for (const { ageMs } of ended) this.#events.ended(ageMs);
      for (const { id, ageMs } of released) if (!this.#closed) this.#release(id, ageMs);
      if (!this.#closed) this.#reclaimDue();
      this.#lastSample = {
        durationMs: monotonicMs() - startedAt,
        socketsRead: departed.length,
        endedAt: Date.now(),
      };
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #isMine({ cookie, server }: Departed): boolean {
    if (!this.#options.observer) return reporterOf(cookie, server) === this.#claimant;
    return this.#options.scope === 'process' || (server !== undefined && this.#claimant.watches(server));
  }

  /** A socket that no JS socket of this thread owns may have a guard of its own, in another thread or process. */
  #isAnsweredElsewhere(id: bigint): boolean {
    const departed = this.#departed.get(id);
    if (departed?.side !== 'unknown') return false;
    const { foreignInode } = departed;
    const holder = foreignInode === undefined ? 'self' : holderOf(foreignInode);
    if (holder === undefined || !isWatchedBy(holder, id)) {
      if (holder !== undefined && holder !== 'self') this.#holders.set(id, holder);
      return false;
    }
    this.#table.leave(departed);
    this.#forget(id);
    return true;
  }

  #report(id: bigint): void {
    const report = this.#describe(id);
    if (!report) return;
    this.#reported.set(id, report);
    if (!this.#options.observer) noteReported(id, this.#claimant);
    this.#events.leaked(report, this.#departed.get(id)?.socket, this.routeLabel(report));
  }

  #release(id: bigint, ageMs: number): void {
    const last = this.#reported.get(id);
    this.#reported.delete(id);
    this.#holders.delete(id);
    if (!this.#options.observer) noteGone(id);
    if (last) this.#events.released({ ...last, ageMs: Math.round(ageMs) });
  }

  #reclaimDue(): void {
    const { reclaim: policy, closeWaitTimeout } = this.#options;
    if (!policy) return;
    for (const id of [...this.#reported.keys()]) {
      const departed = this.#departed.get(id);
      const socket = departed?.socket;
      if (!socket || this.#tracker.ableIdleMs(id) < closeWaitTimeout + policy.afterMs) continue;
      const report = this.#describe(id);
      if (!report || !this.#mayReclaim(policy, report, departed)) continue;
      reclaim(this.#binding, socket, id, report);
      this.#forget(id);
      this.#events.ended(report.ageMs);
      this.#events.reclaimed(report);
    }
  }

  #mayReclaim(policy: ReclaimPolicy, report: LeakReport, departed: Departed): boolean {
    try {
      return routeAllowsReclaim(departed, this.#names) && mayReclaim(policy, report);
    } catch (error) {
      this.#events.filterFailed(error);
      return false;
    }
  }

  #forget(id: bigint): void {
    this.#tracker.forget(id);
    this.#departed.delete(id);
    this.#reported.delete(id);
    this.#holders.delete(id);
    if (!this.#options.observer) noteGone(id);
  }

  #describe(id: bigint): LeakReport | undefined {
    const departed = this.#departed.get(id);
    const tracked = this.#tracker.get(id);
    return departed && tracked && describe(this.#binding, departed, tracked, this.#names, this.#holders.get(id));
  }
}
