import type { Server, Socket } from 'node:net';
import { clearImmediate, clearInterval, setImmediate, setInterval } from 'node:timers';
import { fact } from '../base/fact.js';
import { loopIdleMs, monotonicMs } from '../kernel/clock.js';
import type { NativeBinding } from '../kernel/native.js';
import { SharedSockets } from '../kernel/shared-sockets.js';
import { LoopClock } from '../leaks/loop-clock.js';
import type { LeakReport } from '../leaks/report.js';
import { LeakTracker, type Sighting, type TrackedSocket } from '../leaks/tracker.js';
import type { ResolvedGuardOptions } from '../options.js';
import type { Departed } from '../sockets/facts.js';
import type { ClosedQueue } from '../sockets/half-closed-sockets.js';
import type { LookOptions, SocketTable } from '../sockets/socket-table.js';
import { answersFor, closeClaims, noteGone, noteReported, openClaims, reporterOf, type Claimant } from './claims.js';
import { leakFactsOf, sightingOf, type LeakFacts, type Names } from './leak-facts.js';
import { Ledger, type LeakCounted, type LedgerEntry } from './ledger.js';
import { endLeak, Reclaimer, type ReclaimPolicy } from './reclaim.js';
import { buildReport } from './report-builder.js';

/** Who hears of what a sample found. None of these throws. */
export interface SamplerEvents {
  /** A socket became a leak; it is told now, or when there is room for its report. */
  counted(leak: LeakCounted): void;
  told(report: LeakReport, socket: Socket | undefined): void;
  /** A leak was closed after all; it has a report when it had been told. */
  released(leak: LeakCounted, report: LeakReport | undefined): void;
  reclaimed(report: LeakReport): void;
  /** A half-closed socket is closed, leak or not. */
  ended(ageMs: number): void;
  /** A filter of the application threw, or answered with a promise. */
  filterFailed(error: unknown): void;
  failed(error: unknown): void;
}

export interface SamplerOptions extends ResolvedGuardOptions {
  readonly reclaim: ReclaimPolicy | undefined;
  /** Sees every socket, whoever reports it, and is never the one that reports: for tests. */
  readonly observer: boolean;
}

/** What one turn of the event loop may spend on new leaks or on reclaiming; the rest goes on in the next turn or sample. */
const SLICE_MS = 4;
/** How many sockets that are due are read again in one turn. */
const RECHECK_AT_MOST = 64;

/**
 * The heart of a guard: takes a sample now and then or on demand, joins table, tracker and ledger, and tells of each leak
 * once. What goes wrong in it never leaves it but through `failed`.
 */
export class Sampler {
  readonly #binding: NativeBinding;
  readonly #table: SocketTable;
  readonly #options: SamplerOptions;
  readonly #claimant: Claimant;
  readonly #names: Names;
  readonly #events: SamplerEvents;
  readonly #ledger = new Ledger();
  readonly #tracker: LeakTracker;
  readonly #clock: LoopClock;
  readonly #closedQueue: ClosedQueue;
  readonly #reclaimer: Reclaimer | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #endTimedLooks: (() => void) | undefined;
  readonly #foreignEveryMs: number;
  readonly #timedSample: LookOptions;
  /** Due at the last timed sample: leaks if they still are one full turn of the loop later. */
  #suspects: readonly bigint[] = [];
  #recheck: NodeJS.Immediate | undefined;
  /** A listener or filter may ask the guard itself: it gets what is known, and no sample within a sample is taken. */
  #sampling = false;
  #closed = false;
  #socketsRead = 0;
  #lastSample = { durationMs: 0, socketsRead: 0 };

  constructor(
    binding: NativeBinding,
    table: SocketTable,
    options: SamplerOptions,
    claimant: Claimant,
    names: Names,
    events: SamplerEvents,
  ) {
    this.#binding = binding;
    this.#table = table;
    this.#options = options;
    this.#claimant = claimant;
    this.#names = names;
    this.#events = events;
    this.#tracker = new LeakTracker(options.closeWaitTimeout);
    this.#clock = new LoopClock(options.sampleInterval, monotonicMs(), loopIdleMs());
    this.#closedQueue = table.followClosed();
    this.#reclaimer = options.reclaim && new Reclaimer(options.reclaim, (error) => events.filterFailed(error));
    // A dump costs what the network namespace holds: four in a time-out are enough to be exact to a quarter of it.
    this.#foreignEveryMs = options.closeWaitTimeout / 4;
    this.#timedSample = {
      minAgeMs: options.sampleInterval,
      foreignEveryMs: this.#foreignEveryMs,
      read: { everyMs: options.sampleInterval },
    };
    if (!options.observer) openClaims(claimant);
    if (options.sampleInterval > 0) {
      this.#endTimedLooks = table.expectTimedLooks();
      this.#timer = setInterval(() => {
        this.#sampleOnTimer();
      }, options.sampleInterval).unref();
    }
  }

  get ledger(): Pick<Ledger, 'entries' | 'untoldCount'> {
    return this.#ledger;
  }

  get lastSample(): { readonly durationMs: number; readonly socketsRead: number } {
    return this.#lastSample;
  }

  /** Takes a sample of every socket now, also the youngest, and tells of the leaks that are due. */
  sample(): void {
    const wholeFdTable = this.#options.sampleInterval === 0;
    const foreignEveryMs = wholeFdTable ? 0 : this.#foreignEveryMs;
    this.#guarded(() => {
      this.#leak(this.#look({ young: true, wholeFdTable, foreignEveryMs, read: 'all' }), Number.POSITIVE_INFINITY);
      this.#reclaimDue();
    });
  }

  /** The leaks that were told and are open as of the last sample. */
  leaks(): LeakReport[] {
    return this.#ledger.told().flatMap((id) => {
      const entry = this.#ledger.get(id);
      if (!entry) return [];
      entry.report = this.#describe(id, entry) ?? entry.report;
      return entry.report ?? [];
    });
  }

  /** Every half-closed, reset or stalled socket of the last sample, leak or not yet. */
  sockets(): (LeakReport & { readonly leaked: boolean })[] {
    return this.#ledger.ids().flatMap((id) => {
      const entry = this.#ledger.get(id);
      if (!entry || this.#tracker.get(id)?.kind === 'closing') return [];
      const report = this.#describe(id, entry);
      return report ? [{ ...report, leaked: entry.report !== undefined }] : [];
    });
  }

  ageMs(id: bigint): number {
    return this.#tracker.get(id)?.ageMs ?? 0;
  }

  /** Ends one socket that is there after a sample now, whether it is due or not. False when there is none that can be ended. */
  destroy(id: string): boolean {
    this.sample();
    const cookie = BigInt(id);
    const entry = this.#ledger.get(cookie);
    const socket = entry?.departed.socket;
    const report = entry && this.#describe(cookie, entry);
    if (!socket || !report) return false;
    endLeak(this.#binding, socket, cookie, report);
    this.#forget(cookie);
    return true;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#endTimedLooks?.();
    if (this.#recheck) clearImmediate(this.#recheck);
    this.#closedQueue.dispose();
    this.#table.forgetKnown();
    closeClaims(this.#claimant);
  }

  #sampleOnTimer(): void {
    this.#guarded(() => {
      this.#suspects = this.#look(this.#timedSample);
      this.#reclaimDue();
    });
    if (this.#suspects.length > 0 && !this.#recheck && !this.#closed) this.#recheckAfterOneTurn();
  }

  /** Two immediates are one full turn: whatever was ready before has been handled, and the poll phase has run again. */
  #recheckAfterOneTurn(): void {
    this.#recheck = setImmediate(() => {
      this.#recheck = setImmediate(() => {
        this.#recheck = undefined;
        this.#guarded(() => {
          const suspects = new Set(this.#suspects.slice(0, RECHECK_AT_MOST));
          const rest = this.#suspects.slice(RECHECK_AT_MOST);
          const nowMs = monotonicMs();
          const due = this.#takeIn(this.#table.read(nowMs, suspects), nowMs).filter((id) => suspects.has(id));
          // A flood of leaks takes turns with the application's work.
          this.#suspects = [...this.#leak(due, SLICE_MS), ...rest];
        });
        if (this.#suspects.length > 0 && !this.#closed) this.#recheckAfterOneTurn();
      }).unref();
    }).unref();
  }

  #guarded(sample: () => void): void {
    if (this.#sampling || this.#closed) return;
    this.#sampling = true;
    const startedAt = monotonicMs();
    this.#socketsRead = 0;
    try {
      sample();
    } catch (error) {
      this.#events.failed(error);
    } finally {
      this.#sampling = false;
      this.#lastSample = { durationMs: monotonicMs() - startedAt, socketsRead: this.#socketsRead };
    }
  }

  /** Reads, tells of what is closed, and returns what is due. */
  #look(how: LookOptions): bigint[] {
    const nowMs = monotonicMs();
    return this.#takeIn(this.#table.look(nowMs, how), nowMs);
  }

  #takeIn(read: readonly Departed[], nowMs: number): bigint[] {
    const answers = new Map<Server | undefined, boolean>();
    const mine = read.filter((socket) => this.#isMine(socket, answers));
    const sightings = mine.map((departed) => this.#record(departed));
    this.#socketsRead += mine.length;
    const ableMs = this.#clock.advance(nowMs, loopIdleMs());
    const { due, ended } = this.#tracker.observe(sightings, this.#closedQueue.take(), nowMs, ableMs);
    for (const socket of ended) if (!this.#closed) this.#end(socket);
    return due.map(({ id }) => id);
  }

  #record(departed: Departed): Sighting {
    const sighting = sightingOf(departed);
    const entry = this.#ledger.record(departed, sighting.bufferedBytes);
    if (entry.counted) this.#table.markKnown(departed.cookie);
    return sighting;
  }

  /** @param answers what this sample has found out already, by server */
  #isMine({ cookie, server }: Departed, answers: Map<Server | undefined, boolean>): boolean {
    const reporter = this.#options.observer ? undefined : reporterOf(cookie);
    if (reporter) return reporter === this.#claimant;
    let mine = answers.get(server);
    if (mine === undefined) {
      mine = this.#answersFor(server);
      answers.set(server, mine);
    }
    // Another guard may have begun to watch its server before it became a leak.
    if (!mine) this.#drop(cookie);
    return mine;
  }

  #answersFor(server: Server | undefined): boolean {
    if (!this.#options.observer) return answersFor(server) === this.#claimant;
    return this.#options.scope === 'process' || (server !== undefined && this.#claimant.watches(server));
  }

  /** Counts and tells of the leaks among those that are due, for so long; returns those that are left. */
  #leak(due: readonly bigint[], forMs: number): readonly bigint[] {
    const until = monotonicMs() + forMs;
    for (const [i, id] of due.entries()) {
      // A listener may close the guard: it hears of nothing more, and claims no socket.
      if (this.#closed) return [];
      if (monotonicMs() > until) return due.slice(i);
      try {
        this.#count(id);
        this.#tellWhatFits();
      } catch (error) {
        // It stays due, and the next sample tries again; the others are not held up.
        this.#events.failed(error);
      }
    }
    return [];
  }

  #count(id: bigint): void {
    const entry = this.#ledger.get(id);
    if (!entry || entry.counted || this.#isAnsweredElsewhere(id, entry)) return;
    const facts = this.#factsOf(id, entry);
    if (!facts) return;
    const { kind, cause, side, route, endpoints } = facts;
    const { remoteAddress, localPort } = endpoints;
    const counted = { kind, cause, side, route, remoteAddress, localPort };
    this.#ledger.count(id, counted);
    this.#tracker.markLeaked(id);
    this.#table.markKnown(id);
    if (!this.#options.observer) noteReported(id, this.#claimant);
    this.#events.counted(counted);
  }

  /** Leaks that wait for room are told when they are still idle. */
  #tellWhatFits(): void {
    for (const id of this.#ledger.untold()) {
      if (this.#closed || this.#ledger.toldCount >= this.#options.maxReported) return;
      const entry = this.#ledger.get(id);
      if (!entry || this.#tracker.ableIdleMs(id) < this.#options.closeWaitTimeout) continue;
      const report = this.#describe(id, entry);
      if (!report) continue;
      this.#ledger.tell(id, report);
      this.#events.told(report, entry.departed.socket);
    }
  }

  #end({ id, ageMs }: TrackedSocket): void {
    const entry = this.#ledger.get(id);
    this.#ledger.delete(id);
    if (!this.#options.observer) noteGone(id);
    this.#events.ended(ageMs);
    if (!entry?.counted) return;
    const { counted, report } = entry;
    this.#events.released(counted, report && { ...report, ageMs: Math.round(ageMs) });
    this.#tellWhatFits();
  }

  #reclaimDue(): void {
    if (!this.#reclaimer) return;
    const { closeWaitTimeout } = this.#options;
    const nowMs = monotonicMs();
    const due = this.#ledger.told().filter((id) => {
      const entry = this.#ledger.get(id);
      return (
        entry?.departed.socket !== undefined &&
        entry.reclaimAgainAtMs <= nowMs &&
        this.#tracker.ableIdleMs(id) >= closeWaitTimeout + this.#reclaimer!.afterMs
      );
    });
    // Who else has them is looked up once for all.
    let shared: SharedSockets | undefined;
    const sharedSockets = (): SharedSockets => (shared ??= new SharedSockets());
    for (const id of due) {
      if (this.#closed || monotonicMs() > nowMs + SLICE_MS) return;
      this.#reclaim(id, nowMs, sharedSockets);
    }
  }

  #reclaim(id: bigint, nowMs: number, sharedSockets: () => SharedSockets): void {
    // What was read some time ago may have made progress since.
    this.#takeIn(this.#table.read(nowMs, new Set([id])), nowMs);
    const entry = this.#ledger.get(id);
    const socket = entry?.departed.socket;
    const facts = entry && this.#factsOf(id, entry);
    const report = entry && facts && this.#describe(id, entry, facts);
    if (!entry || !socket || !facts || !report) return;
    if (this.#tracker.ableIdleMs(id) < this.#options.closeWaitTimeout + (this.#reclaimer?.afterMs ?? 0)) return;
    if (!this.#reclaimer?.mayEnd(facts, entry.departed, report, sharedSockets)) {
      // Asked again after a tenth of its age: a filter that says no to thousands is not asked by thousands each second.
      entry.reclaimAgainAtMs = nowMs + report.ageMs / 10;
      return;
    }
    // The filter is the application's: it may have closed the guard, or the socket.
    if (this.#hasClosed() || fact(() => socket.destroyed, true)) return;
    endLeak(this.#binding, socket, id, report);
    this.#forget(id);
    this.#events.ended(report.ageMs);
    this.#events.reclaimed(report);
  }

  /** A method, so that the compiler does not take the answer of before a callback for the one after it. */
  #hasClosed(): boolean {
    return this.#closed;
  }

  /** A socket that no JS socket of this thread owns may have a guard of its own, in another thread or process. */
  #isAnsweredElsewhere(id: bigint, entry: LedgerEntry): boolean {
    const { departed } = entry;
    if (departed.side !== 'unknown') return false;
    const holder = this.#table.holders.lookUp(id, departed.foreignInode);
    // Not known yet: it stays due and is asked about again in the next sample.
    if (holder.answer === 'not-yet') return true;
    if (holder.answer === 'here-or-nowhere') {
      entry.holder = holder.pid;
      return false;
    }
    this.#table.leave(departed);
    this.#forget(id);
    return true;
  }

  #forget(id: bigint): void {
    this.#drop(id);
    if (!this.#options.observer) noteGone(id);
  }

  #drop(id: bigint): void {
    this.#tracker.forget(id);
    this.#ledger.delete(id);
  }

  #factsOf(id: bigint, { departed }: LedgerEntry): LeakFacts | undefined {
    const tracked = this.#tracker.get(id);
    return tracked && leakFactsOf(this.#binding, departed, tracked, this.#names);
  }

  #describe(id: bigint, entry: LedgerEntry, facts = this.#factsOf(id, entry)): LeakReport | undefined {
    const tracked = this.#tracker.get(id);
    return facts && tracked && buildReport(facts, entry.departed, tracked, entry.holder);
  }
}
