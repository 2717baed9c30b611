import type { Server } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';
import { loopIdleMs, monotonicMs } from '../base/clock.js';
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
import type { OpenLeakCount } from './open-leaks.js';
import { ReclaimRounds } from './reclaim-rounds.js';
import { Reclaimer } from './reclaim.js';
import { shownOf } from './redact.js';
import { QuietSamples } from './quiet-samples.js';
import { closeReporter, openReporter, type Reporter } from './reporters.js';
import { SampleMeter } from './sample-meter.js';
import type { SamplerEvents, SamplerOptions, SamplerParts } from './sampler-parts.js';
import { SocketsById } from './sockets-by-id.js';
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
  readonly byId: SocketsById;
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
  readonly #timedSample: SampleOptions & { readonly foreignEveryMs: number };
  /** Due at the last timed sample: leaks if they still are one full turn of the loop later. */
  #due: readonly LedgerEntry[] = [];
  readonly #later = new TurnLater(() => {
    if (this.#due.length > 0) this.#readDueAgain();
    else this.#readKnownLeaks();
    this.#goOn();
  });
  readonly #timeOuts: TimeOuts<LedgerEntry>;
  /** How many turns of this sample have read known leaks. */
  #leakTurns = 0;
  /** A listener or filter may ask the guard itself: it gets what is known, and no sample within a sample is taken. */
  #sampling = false;
  #closed = false;
  readonly #meter = new SampleMeter();
  readonly #quiet: QuietSamples;

  constructor(
    binding: NativeBinding,
    table: SocketTable,
    options: SamplerOptions,
    reporter: Reporter,
    names: Names,
    timeOuts: TimeOuts<LedgerEntry>,
    events: SamplerEvents,
  ) {
    this.#table = table;
    this.#options = options;
    this.#reporter = reporter;
    this.#events = events;
    this.#tracker = new LeakTracker(timeOuts);
    this.#descriptions = new Descriptions(binding, this.#ledger, this.#tracker, names, shownOf(options.redact));
    this.#clock = new LoopClock(options.sampleInterval, monotonicMs(), loopIdleMs());
    const failed = (error: unknown): void => {
      events.failed(error);
    };
    this.#quiet = new QuietSamples(
      { table, ledger: this.#ledger, meter: this.#meter, tracker: this.#tracker, clock: this.#clock, failed },
      options.sampleInterval,
    );
    this.byId = new SocketsById(binding, this.#ledger, this.#descriptions, () => {
      this.sample();
    });
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
    const foreignEveryMs = options.closeWaitTimeout / 4;
    this.#timedSample = options.whole
      ? { young: true, wholeFdTable: true, foreignEveryMs, read: 'fresh' }
      : { minAgeMs: options.sampleInterval, foreignEveryMs, read: 'fresh' };
    this.#timeOuts = timeOuts;
    if (!options.observer) openReporter(reporter);
    if (options.sampleInterval > 0) {
      this.#endTimedSamples = table.expectTimedSamples();
      this.#timer = setInterval(() => {
        this.#sampleOnTimer();
      }, options.sampleInterval).unref();
    }
  }

  /** Of the open leaks. */
  get counts(): Pick<Ledger, 'leakCount' | 'untoldCount' | 'ignoredCount'> {
    return this.#ledger;
  }

  /** All half-closed, reset and stalled sockets in numbers, as they were last read. Changes nothing. */
  count(nameOf: (server: Server) => string, ports: number): ReturnType<Ledger['totals']> {
    return this.#ledger.totals((halfClosedAtMs) => this.#tracker.ageMs({ halfClosedAtMs }), nameOf, ports);
  }

  openLeaks(routeOf: (route: string) => string): OpenLeakCount[] {
    return this.#ledger.openLeaks(routeOf);
  }

  hasCounted(cookie: bigint): boolean {
    return this.#ledger.get(cookie)?.isLeak === true;
  }

  get lastSample(): LastSample {
    return this.#meter.last;
  }

  /** Takes a sample of every socket now, also the youngest, and tells of the leaks that are due. */
  sample(): void {
    const wholeFdTable = this.#options.sampleInterval === 0;
    const foreignEveryMs = wholeFdTable ? 0 : this.#timedSample.foreignEveryMs;
    this.#guarded(() => {
      const due = this.#takeIn((nowMs) =>
        this.#table.sample(nowMs, { young: true, wholeFdTable, foreignEveryMs, ...this.#timeOut() }),
      );
      this.#teller.leak(due, Number.POSITIVE_INFINITY);
      this.#reclaim?.run();
      this.#quiet.plan(this.#timedOptions());
    });
    this.#meter.end();
  }

  /** The leaks that were told and are open as of the last sample. */
  leaks(): LeakReport[] {
    return this.#descriptions.leaks();
  }

  /** Every half-closed, reset or stalled socket of the last sample, leak or not yet. */
  sockets(): SocketReport[] {
    return this.#descriptions.sockets();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#endTimedSamples?.();
    this.#later.clear();
    this.#closedQueue.dispose();
    this.#table.forgetLeaks();
    closeReporter(this.#reporter);
    // What is open belongs to the guards that are left.
    this.#events.changed([]);
  }

  #sampleOnTimer(): void {
    // The turns of the sample before may not be over.
    this.#meter.end();
    if (this.#quiet.take()) return;
    this.#leakTurns = 0;
    this.#guarded(() => {
      this.#due = this.#takeIn((nowMs) => this.#table.sample(nowMs, this.#timedOptions()));
      this.#reclaim?.run();
      this.#quiet.plan(this.#timedOptions());
    });
    this.#goOn();
  }

  /** What is due and the known leaks get turns of their own: no sample holds the loop for all of them. */
  #goOn(): void {
    if (this.#closed) return;
    if (this.#due.length > 0 || this.#leakTurns < this.#table.leakSlices) this.#later.ask();
    else this.#meter.end();
  }

  #readDueAgain(): void {
    this.#guarded(() => {
      const [now, rest] = [this.#due.slice(0, RECHECK_AT_MOST), this.#due.slice(RECHECK_AT_MOST)];
      const due = this.#readAgain(new Set(now.map(({ suspect }) => suspect.cookie)));
      // A flood of leaks takes turns with the application's work.
      this.#due = [...this.#teller.leak(due, SLICE_MS), ...rest];
    });
  }

  #readKnownLeaks(): void {
    this.#leakTurns++;
    this.#guarded(() => {
      this.#due = this.#takeIn((nowMs) => this.#table.readLeaks(nowMs, this.#options.sampleInterval));
    });
  }

  #guarded(work: () => void): void {
    if (this.#sampling || this.#closed) return;
    this.#sampling = true;
    this.#meter.turn(
      () => {
        work();
        if (this.#ledger.takeChanged()) this.#events.changed(this.#openLeaks());
      },
      (error) => {
        this.#events.failed(error);
      },
    );
    this.#sampling = false;
  }

  /** The shortest that any socket may have; what is found later than that is told late. */
  #timeOut(): SampleOptions {
    return { timeOutMs: this.#timeOuts.leastMs };
  }

  #timedOptions(): SampleOptions {
    return { ...this.#timedSample, ...this.#timeOut() };
  }

  /** Reads these and no others, and returns which of them are due. */
  #readAgain(cookies: ReadonlySet<bigint>): LedgerEntry[] {
    return this.#takeIn((nowMs) => this.#table.readAgain(nowMs, cookies));
  }

  /** Takes in what was read, tells of what is closed, and returns what is due. */
  #takeIn(readAt: (nowMs: number) => readonly Suspect[]): LedgerEntry[] {
    this.#quiet.end();
    const nowMs = monotonicMs();
    const read = readAt(nowMs);
    this.#teller.judgeIgnored();
    const answers = new Map<Server | undefined, boolean>();
    const mine = read.filter((suspect) => this.#teller.isMine(suspect, answers));
    const entries = mine.map((suspect) => this.#ledger.record(suspect));
    for (const { isLeak, suspect } of entries) if (isLeak) this.#table.markLeak(suspect.cookie);
    this.#meter.countRead(entries.length);
    const closed = this.#closedQueue.take();
    const due = this.#tracker.observe(entries, nowMs, this.#clock.advance(nowMs, loopIdleMs()));
    for (const entry of entries) this.#ledger.total(entry);
    this.#decisions.noteSample(entries, due, this.#tracker);
    for (const cookie of closed) this.#teller.end(cookie);
    this.#teller.tellWaiting();
    return due;
  }

  *#openLeaks(): Generator<LeakCounted> {
    for (const { countedNow } of this.#ledger.entries()) if (countedNow) yield countedNow;
  }
}
