import type { Server } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';
import { loopIdleMs, monotonicMs, wallClockMs } from '../base/clock.js';
import type { NativeBinding } from '../kernel/native.js';
import { LoopClock } from '../leaks/loop-clock.js';
import type { LeakReport } from '../leaks/report.js';
import { LeakTracker, type TimeOuts } from '../leaks/tracker.js';
import type { ClosedQueue } from '../sockets/half-closed-sockets.js';
import type { SampleOptions, SocketTable } from '../sockets/socket-table.js';
import type { Suspect } from '../sockets/suspect.js';
import { Decisions } from './decisions.js';
import { Descriptions } from './descriptions.js';
import { IgnoreRules } from './ignore.js';
import type { Names } from './leak-facts.js';
import { LeakTeller } from './leak-teller.js';
import { Ledger, type LeakCounted, type LedgerEntry } from './ledger.js';
import { ReclaimRounds } from './reclaim-rounds.js';
import { endLeak, Reclaimer } from './reclaim.js';
import { shownOf } from './redact.js';
import { closeReporter, openReporter, type Reporter } from './reporters.js';
import type { SamplerEvents, SamplerOptions, SamplerParts } from './sampler-parts.js';
import type { LastSample } from './stats.js';
import { TurnLater } from './turn-later.js';
import type { SocketReport } from './types.js';

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
  readonly #reporter: Reporter;
  readonly #events: SamplerEvents;
  readonly #ledger = new Ledger();
  readonly #tracker: LeakTracker<LedgerEntry>;
  readonly #descriptions: Descriptions;
  readonly #decisions = new Decisions();
  readonly #clock: LoopClock;
  readonly #closedQueue: ClosedQueue;
  readonly #teller: LeakTeller;
  readonly #reclaim: ReclaimRounds | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #endTimedSamples: (() => void) | undefined;
  readonly #foreignEveryMs: number;
  readonly #timedSample: SampleOptions;
  /** Due at the last timed sample: leaks if they still are one full turn of the loop later. */
  #due: readonly LedgerEntry[] = [];
  readonly #recheck = new TurnLater(() => {
    this.#readDueAgain();
  });
  /** A listener or filter may ask the guard itself: it gets what is known, and no sample within a sample is taken. */
  #sampling = false;
  #closed = false;
  #socketsRead = 0;
  #lastSample: LastSample = { durationMs: 0, socketsRead: 0, endedAt: 0 };

  constructor(
    binding: NativeBinding,
    table: SocketTable,
    options: SamplerOptions,
    reporter: Reporter,
    names: Names,
    timeOuts: TimeOuts<LedgerEntry>,
    events: SamplerEvents,
  ) {
    this.#binding = binding;
    this.#table = table;
    this.#options = options;
    this.#reporter = reporter;
    this.#events = events;
    this.#tracker = new LeakTracker(timeOuts);
    this.#descriptions = new Descriptions(binding, this.#ledger, this.#tracker, names, shownOf(options.redact));
    this.#clock = new LoopClock(options.sampleInterval, monotonicMs(), loopIdleMs());
    this.#closedQueue = table.followClosed((cookie) => this.#ledger.has(cookie));
    const parts: SamplerParts = {
      ...{ binding, table, reporter, options, events },
      ...{ ledger: this.#ledger, tracker: this.#tracker, descriptions: this.#descriptions },
      rules: new IgnoreRules(options.ignore),
      decisions: this.#decisions,
      isClosed: () => this.#closed,
    };
    this.#teller = new LeakTeller(parts);
    this.#reclaim =
      options.reclaim &&
      new ReclaimRounds(
        binding,
        new Reclaimer(options.reclaim, (error) => events.filterFailed(error)),
        parts,
        (cookie) => this.#readAgain(new Set([cookie])),
      );
    // A dump costs what the network namespace holds: four in a time-out are enough to be exact to a quarter of it.
    this.#foreignEveryMs = options.closeWaitTimeout / 4;
    this.#timedSample = {
      minAgeMs: options.sampleInterval,
      foreignEveryMs: this.#foreignEveryMs,
      read: { everyMs: options.sampleInterval },
    };
    if (!options.observer) openReporter(reporter);
    if (options.sampleInterval > 0) {
      this.#endTimedSamples = table.expectTimedSamples();
      this.#timer = setInterval(() => {
        this.#sampleOnTimer();
      }, options.sampleInterval).unref();
    }
  }

  /** Leaks that are open and not told. */
  get withheld(): Pick<Ledger, 'untoldCount' | 'ignoredCount'> {
    return this.#ledger;
  }

  /** All half-closed, reset and stalled sockets in numbers, as they were last read. Changes nothing. */
  count(nameOf: (server: Server) => string, ephemeralPortCount: number): ReturnType<Ledger['totals']> {
    return this.#ledger.totals((halfClosedAtMs) => this.#tracker.ageMs({ halfClosedAtMs }), nameOf, ephemeralPortCount);
  }

  hasCounted(cookie: bigint): boolean {
    return this.#ledger.get(cookie)?.isLeak === true;
  }

  get lastSample(): LastSample {
    return this.#lastSample;
  }

  /** Takes a sample of every socket now, also the youngest, and tells of the leaks that are due. */
  sample(): void {
    const wholeFdTable = this.#options.sampleInterval === 0;
    const foreignEveryMs = wholeFdTable ? 0 : this.#foreignEveryMs;
    this.#guarded(() => {
      const due = this.#read({ young: true, wholeFdTable, foreignEveryMs, read: 'all' });
      this.#teller.leak(due, Number.POSITIVE_INFINITY);
      this.#reclaim?.run();
    });
  }

  /** The leaks that were told and are open as of the last sample. */
  leaks(): LeakReport[] {
    return this.#descriptions.leaks();
  }

  /** Every half-closed, reset or stalled socket of the last sample, leak or not yet. */
  sockets(): SocketReport[] {
    return this.#descriptions.sockets();
  }

  /** Ends one socket that is there after a sample now, whether it is due or not. False when there is none that can be ended. */
  destroy(id: string): boolean {
    this.sample();
    const cookie = BigInt(id);
    const entry = this.#ledger.get(cookie);
    const socket = entry?.suspect.socket;
    const report = entry && this.#descriptions.describe(entry);
    if (!socket || !report) return false;
    endLeak(this.#binding, socket, cookie, report);
    this.#ledger.delete(cookie);
    return true;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#endTimedSamples?.();
    this.#recheck.clear();
    this.#closedQueue.dispose();
    this.#table.forgetLeaks();
    closeReporter(this.#reporter);
    // What is open belongs to the guards that are left.
    this.#events.changed([]);
  }

  #sampleOnTimer(): void {
    this.#guarded(() => {
      this.#due = this.#read(this.#timedSample);
      this.#reclaim?.run();
    });
    this.#recheckDue();
  }

  #recheckDue(): void {
    if (this.#due.length > 0 && !this.#closed) this.#recheck.ask();
  }

  #readDueAgain(): void {
    this.#guarded(() => {
      const suspects = this.#due.slice(0, RECHECK_AT_MOST).map(({ suspect }) => suspect.cookie);
      const rest = this.#due.slice(RECHECK_AT_MOST);
      const due = this.#readAgain(new Set(suspects));
      // A flood of leaks takes turns with the application's work.
      this.#due = [...this.#teller.leak(due, SLICE_MS), ...rest];
    });
    this.#recheckDue();
  }

  #guarded(sample: () => void): void {
    if (this.#sampling || this.#closed) return;
    this.#sampling = true;
    const startedAt = monotonicMs();
    this.#socketsRead = 0;
    let { endedAt } = this.#lastSample;
    try {
      sample();
      if (this.#ledger.takeChanged()) this.#events.changed(this.#openLeaks());
      endedAt = wallClockMs();
    } catch (error) {
      this.#events.failed(error);
    } finally {
      this.#sampling = false;
      this.#lastSample = { durationMs: monotonicMs() - startedAt, socketsRead: this.#socketsRead, endedAt };
    }
  }

  /** Takes a sample of the table, tells of what is closed, and returns what is due. */
  #read(how: SampleOptions): LedgerEntry[] {
    const nowMs = monotonicMs();
    return this.#takeIn(this.#table.sample(nowMs, how), nowMs);
  }

  /** Reads these and no others, and returns which of them are due. */
  #readAgain(cookies: ReadonlySet<bigint>): LedgerEntry[] {
    const nowMs = monotonicMs();
    return this.#takeIn(this.#table.readAgain(nowMs, cookies), nowMs);
  }

  #takeIn(read: readonly Suspect[], nowMs: number): LedgerEntry[] {
    this.#teller.judgeIgnored();
    const answers = new Map<Server | undefined, boolean>();
    const mine = read.filter((suspect) => this.#teller.isMine(suspect, answers));
    const entries = mine.map((suspect) => this.#ledger.record(suspect));
    for (const { isLeak, suspect } of entries) if (isLeak) this.#table.markLeak(suspect.cookie);
    this.#socketsRead += entries.length;
    const closed = this.#closedQueue.take();
    const due = this.#tracker.observe(entries, nowMs, this.#clock.advance(nowMs, loopIdleMs()));
    for (const entry of entries) this.#ledger.total(entry);
    this.#decisions.noteSample(entries, due, this.#tracker);
    for (const cookie of closed) this.#teller.end(cookie);
    if (closed.length > 0) this.#teller.tellWaiting();
    return due;
  }

  *#openLeaks(): Generator<LeakCounted> {
    for (const { countedNow } of this.#ledger.entries()) if (countedNow) yield countedNow;
  }
}
