import type { Server } from 'node:net';
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
import { Intake } from './intake.js';
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
import { TimedSamples } from './timed-samples.js';
import type { SocketReport } from './types.js';

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
  readonly #closedQueue: ClosedQueue;
  readonly #teller: LeakTeller;
  readonly #intake: Intake;
  readonly #reclaim: ReclaimRounds | undefined;
  readonly #timed: TimedSamples | undefined;
  readonly #timedSample: SampleOptions & { readonly foreignEveryMs: number };
  readonly #timeOuts: TimeOuts<LedgerEntry>;
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
    const clock = new LoopClock(options.sampleInterval, monotonicMs(), loopIdleMs());
    const failed = (error: unknown): void => {
      events.failed(error);
    };
    this.#closedQueue = table.followClosed((cookie) => this.#ledger.has(cookie));
    this.#quiet = new QuietSamples(
      {
        ...{ table, clock, failed, closedQueue: this.#closedQueue },
        ...{ ledger: this.#ledger, meter: this.#meter, tracker: this.#tracker },
      },
      options.sampleInterval,
      options.reclaim === undefined,
    );
    this.byId = new SocketsById(binding, this.#ledger, this.#descriptions, () => {
      this.sample();
    });
    const decisions = new Decisions();
    const parts: SamplerParts = {
      ...{ binding, table, reporter, options, events },
      ...{ ledger: this.#ledger, tracker: this.#tracker, descriptions: this.#descriptions },
      rules: new IgnoreRules(options.ignore),
      decisions,
      isClosed: () => this.#closed,
    };
    this.#teller = new LeakTeller(parts);
    this.#intake = new Intake({
      ...{ clock, decisions, ledger: this.#ledger, tracker: this.#tracker, teller: this.#teller },
      markLeak: (cookie) => {
        table.markLeak(cookie);
      },
      takeClosed: () => this.#closedQueue.take(),
    });
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
      this.#timed = new TimedSamples(
        {
          ...{ table, meter: this.#meter, quiet: this.#quiet, teller: this.#teller },
          take: () => this.#takeIn((nowMs) => table.sample(nowMs, this.#timedOptions())),
          taken: () => {
            this.#reclaimAndPlan();
          },
          takeIn: (readAt) => this.#takeIn(readAt),
          readAgain: (cookies) => this.#readAgain(cookies),
          guarded: (work) => {
            this.#guarded(work);
          },
          isClosed: () => this.#closed,
        },
        options.sampleInterval,
      );
    }
  }

  /** Of the open leaks. */
  get counts(): Pick<Ledger, 'leakCount' | 'untoldCount' | 'ignoredCount'> {
    return this.#ledger;
  }

  /** All half-closed, reset and stalled sockets in numbers, as they were last read; their ages as of the last sample. */
  count(nameOf: (server: Server) => string, ports: number): ReturnType<Ledger['totals']> {
    this.#quiet.end();
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
      this.#reclaimAndPlan();
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
    this.#timed?.close();
    this.#closedQueue.dispose();
    this.#table.forgetLeaks();
    closeReporter(this.#reporter);
    // What is open belongs to the guards that are left.
    this.#events.changed([]);
  }

  /** What each whole sample ends with. */
  #reclaimAndPlan(): void {
    this.#reclaim?.run();
    this.#quiet.plan(this.#timedOptions());
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
    const { mine, due } = this.#intake.take(readAt(nowMs), nowMs, loopIdleMs());
    this.#meter.countRead(mine.length);
    return due;
  }

  *#openLeaks(): Generator<LeakCounted> {
    for (const { countedNow } of this.#ledger.entries()) if (countedNow) yield countedNow;
  }
}
