import type { Server } from 'node:net';
import { clearImmediate, clearInterval, setImmediate, setInterval } from 'node:timers';
import { loopIdleMs, monotonicMs } from '../base/clock.js';
import type { NativeBinding } from '../kernel/native.js';
import type { Departed } from '../layers/facts.js';
import { LoopClock } from '../leaks/loop-clock.js';
import type { LeakReport } from '../leaks/report.js';
import { LeakTracker, type Sighting } from '../leaks/tracker.js';
import type { ClosedQueue } from '../sockets/half-closed-sockets.js';
import type { LookOptions, SocketTable } from '../sockets/socket-table.js';
import { Descriptions } from './descriptions.js';
import { sightingOf, type Names } from './leak-facts.js';
import { LeakTeller } from './leak-teller.js';
import { Ledger } from './ledger.js';
import { ReclaimRounds } from './reclaim-rounds.js';
import { endLeak, Reclaimer } from './reclaim.js';
import { closeClaims, openClaims, type Claimant } from './reporters.js';
import type { SamplerEvents, SamplerOptions, SamplerParts } from './sampler-parts.js';
import type { LastSample } from './stats.js';

/** What one turn of the event loop may spend on new leaks, ms; the rest goes on in the next. */
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
  readonly #events: SamplerEvents;
  readonly #ledger = new Ledger();
  readonly #tracker: LeakTracker;
  readonly #descriptions: Descriptions;
  readonly #clock: LoopClock;
  readonly #closedQueue: ClosedQueue;
  readonly #teller: LeakTeller;
  readonly #reclaim: ReclaimRounds | undefined;
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
  #lastSample: LastSample = { durationMs: 0, socketsRead: 0, endedAt: 0 };

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
    this.#events = events;
    this.#tracker = new LeakTracker(options.closeWaitTimeout);
    this.#descriptions = new Descriptions(binding, this.#ledger, this.#tracker, names);
    this.#clock = new LoopClock(options.sampleInterval, monotonicMs(), loopIdleMs());
    this.#closedQueue = table.followClosed((cookie) => this.#tracker.has(cookie));
    const parts: SamplerParts = {
      ...{ table, claimant, options, events },
      ledger: this.#ledger,
      tracker: this.#tracker,
      descriptions: this.#descriptions,
      isClosed: () => this.#closed,
    };
    this.#teller = new LeakTeller(parts);
    this.#reclaim =
      options.reclaim &&
      new ReclaimRounds(
        binding,
        new Reclaimer(options.reclaim, (error) => events.filterFailed(error)),
        parts,
        this.#teller,
        (id) => this.#readAgain(new Set([id])),
      );
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

  get lastSample(): LastSample {
    return this.#lastSample;
  }

  /** Takes a sample of every socket now, also the youngest, and tells of the leaks that are due. */
  sample(): void {
    const wholeFdTable = this.#options.sampleInterval === 0;
    const foreignEveryMs = wholeFdTable ? 0 : this.#foreignEveryMs;
    this.#guarded(() => {
      this.#teller.leak(
        this.#look({ young: true, wholeFdTable, foreignEveryMs, read: 'all' }),
        Number.POSITIVE_INFINITY,
      );
      this.#reclaim?.run();
    });
  }

  /** The leaks that were told and are open as of the last sample. */
  leaks(): LeakReport[] {
    return this.#descriptions.leaks();
  }

  /** Every half-closed, reset or stalled socket of the last sample, leak or not yet. */
  sockets(): (LeakReport & { readonly leaked: boolean })[] {
    return this.#descriptions.sockets();
  }

  ageMs(id: bigint): number {
    return this.#tracker.ageMs(id);
  }

  /** Ends one socket that is there after a sample now, whether it is due or not. False when there is none that can be ended. */
  destroy(id: string): boolean {
    this.sample();
    const cookie = BigInt(id);
    const entry = this.#ledger.get(cookie);
    const socket = entry?.departed.socket;
    const report = entry && this.#descriptions.describe(cookie);
    if (!socket || !report) return false;
    endLeak(this.#binding, socket, cookie, report);
    this.#teller.forget(cookie);
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
      this.#reclaim?.run();
    });
    if (this.#suspects.length > 0 && !this.#recheck && !this.#closed) this.#recheckAfterOneTurn();
  }

  /**
   * Two immediates are one full turn: whatever was ready before has been handled, and the poll phase has run again. They are
   * not unref()ed, or an idle loop would wait for its next event before it runs them; a process that ends is held for these
   * turns and no longer.
   */
  #recheckAfterOneTurn(): void {
    this.#recheck = setImmediate(() => {
      this.#recheck = setImmediate(() => {
        this.#recheck = undefined;
        this.#guarded(() => {
          const suspects = new Set(this.#suspects.slice(0, RECHECK_AT_MOST));
          const rest = this.#suspects.slice(RECHECK_AT_MOST);
          const due = this.#readAgain(suspects);
          // A flood of leaks takes turns with the application's work.
          this.#suspects = [...this.#teller.leak(due, SLICE_MS), ...rest];
        });
        if (this.#suspects.length > 0 && !this.#closed) this.#recheckAfterOneTurn();
      });
    });
  }

  #guarded(sample: () => void): void {
    if (this.#sampling || this.#closed) return;
    this.#sampling = true;
    const startedAt = monotonicMs();
    this.#socketsRead = 0;
    let { endedAt } = this.#lastSample;
    try {
      sample();
      endedAt = Date.now();
    } catch (error) {
      this.#events.failed(error);
    } finally {
      this.#sampling = false;
      this.#lastSample = { durationMs: monotonicMs() - startedAt, socketsRead: this.#socketsRead, endedAt };
    }
  }

  /** Reads, tells of what is closed, and returns what is due. */
  #look(how: LookOptions): bigint[] {
    const nowMs = monotonicMs();
    return this.#takeIn(this.#table.look(nowMs, how), nowMs);
  }

  /** Reads these and no others, and returns which of them are due. */
  #readAgain(ids: ReadonlySet<bigint>): bigint[] {
    const nowMs = monotonicMs();
    return this.#takeIn(this.#table.read(nowMs, ids), nowMs);
  }

  #takeIn(read: readonly Departed[], nowMs: number): bigint[] {
    const answers = new Map<Server | undefined, boolean>();
    const mine = read.filter((socket) => this.#teller.isMine(socket, answers));
    const sightings = mine.map((departed) => this.#record(departed));
    this.#socketsRead += mine.length;
    const ableMs = this.#clock.advance(nowMs, loopIdleMs());
    const { due, ended } = this.#tracker.observe(sightings, this.#closedQueue.take(), nowMs, ableMs);
    for (const socket of ended) if (!this.#closed) this.#teller.end(socket);
    return due.map(({ id }) => id);
  }

  #record(departed: Departed): Sighting {
    const sighting = sightingOf(departed);
    const entry = this.#ledger.record(departed, sighting.bufferedBytes);
    if (entry.counted) this.#table.markKnown(departed.cookie);
    return sighting;
  }
}
