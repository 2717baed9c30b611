import { clearInterval, setInterval } from 'node:timers';
import type { SocketTable } from '../sockets/socket-table.js';
import type { Suspect } from '../sockets/suspect.js';
import type { LeakTeller } from './leak-teller.js';
import type { LedgerEntry } from './ledger.js';
import type { QuietSamples } from './quiet-samples.js';
import type { SampleMeter } from './sample-meter.js';
import { TurnLater } from './turn-later.js';

/** What one turn of the event loop may spend on new leaks, ms; the rest goes on in the next. */
const SLICE_MS = 4;
/** How many sockets that are due are read again in one turn. */
const RECHECK_AT_MOST = 64;

/** What of a sampler its timer needs. */
interface Parts {
  readonly table: SocketTable;
  readonly meter: SampleMeter;
  readonly quiet: QuietSamples;
  readonly teller: LeakTeller;
  /** Reads what a whole sample reads, and returns what is due. */
  readonly take: () => readonly LedgerEntry[];
  /** What follows in the same turn. */
  readonly taken: () => void;
  /** Takes in what was read, and returns what is due. */
  readonly takeIn: (readAt: (nowMs: number) => readonly Suspect[]) => readonly LedgerEntry[];
  /** Reads these and no others, and returns which of them are due. */
  readonly readAgain: (cookies: ReadonlySet<bigint>) => readonly LedgerEntry[];
  /** Does one turn's work of a sample: none of what it throws leaves it. */
  readonly guarded: (work: () => void) => void;
  readonly isClosed: () => boolean;
}

/** The samples that a guard takes by itself: a short one where that is enough, else a whole one, whose work takes several turns of the event loop. */
export class TimedSamples {
  readonly #parts: Parts;
  readonly #timer: NodeJS.Timeout;
  readonly #endTimedSamples: () => void;
  readonly #intervalMs: number;
  /** How many turns of this sample have read known leaks. */
  #leakTurns = 0;
  /** The samples before it that have left them out: it reads theirs too. */
  #passed = 0;
  /** Due at the last sample: leaks if they still are one full turn of the loop later. */
  #due: readonly LedgerEntry[] = [];
  readonly #later = new TurnLater(() => {
    if (this.#due.length > 0) this.#readDueAgain();
    else this.#readKnownLeaks();
    this.#goOn();
  });

  /** The timer does not keep the process alive. */
  constructor(parts: Parts, intervalMs: number) {
    this.#parts = parts;
    this.#intervalMs = intervalMs;
    this.#endTimedSamples = parts.table.expectTimedSamples();
    this.#timer = setInterval(() => {
      this.#take();
    }, intervalMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#endTimedSamples();
    this.#later.clear();
  }

  #take(): void {
    const { meter, quiet, guarded, take, taken } = this.#parts;
    // The turns of the sample before may not be over.
    meter.end();
    if (quiet.take()) return;
    this.#leakTurns = 0;
    this.#passed = quiet.takePassed();
    guarded(() => {
      this.#due = take();
      taken();
    });
    this.#goOn();
  }

  /** What is due and the known leaks get turns of their own: no sample holds the loop for all of them. */
  #goOn(): void {
    const { meter, table, isClosed } = this.#parts;
    if (isClosed()) return;
    if (this.#due.length > 0 || this.#leakTurns < table.leakSlices) this.#later.ask();
    else meter.end();
  }

  #readDueAgain(): void {
    const { guarded, readAgain, teller } = this.#parts;
    guarded(() => {
      const [now, rest] = [this.#due.slice(0, RECHECK_AT_MOST), this.#due.slice(RECHECK_AT_MOST)];
      const due = readAgain(new Set(now.map(({ suspect }) => suspect.cookie)));
      // A flood of leaks takes turns with the application's work.
      this.#due = [...teller.leak(due, SLICE_MS), ...rest];
    });
  }

  #readKnownLeaks(): void {
    const { guarded, takeIn, table } = this.#parts;
    this.#leakTurns++;
    guarded(() => {
      this.#due = takeIn((nowMs) => table.readLeaks(nowMs, this.#intervalMs, this.#passed + 1));
    });
  }
}
