import { monotonicMs } from '../base/clock.js';
import type { LoopClock } from '../leaks/loop-clock.js';
import type { LeakTracker } from '../leaks/tracker.js';
import type { SampleOptions, SocketTable } from '../sockets/socket-table.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import type { SampleMeter } from './sample-meter.js';

/** What a short sample looks at, and what it stands in for. */
interface Parts {
  readonly table: SocketTable;
  readonly ledger: Ledger;
  readonly meter: SampleMeter;
  readonly tracker: LeakTracker<LedgerEntry>;
  readonly clock: LoopClock;
  readonly failed: (error: unknown) => void;
}

/**
 * Nearly all samples of a healthy process: nothing is half-closed, nothing is due, and all that is to be done is to put new sockets on the
 * watch and to ask whether a peer has left. The whole one costs several times that and finds nothing either: code that runs once in a second is never compiled, and
 * always cold.
 */
export class QuietSamples {
  readonly #parts: Parts;
  readonly #minAgeMs: number;
  /** Before then nothing is to be searched for or read, as far as the last whole sample knew. */
  #untilMs = Number.NEGATIVE_INFINITY;
  /** The last short sample since the last whole one. */
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param minAgeMs announced sockets are put on the watch once they are this old */
  constructor(parts: Parts, minAgeMs: number) {
    this.#parts = parts;
    this.#minAgeMs = minAgeMs;
  }

  /** After a whole sample: says until when those that follow may be short. */
  plan(options: SampleOptions): void {
    const { ledger, table } = this.#parts;
    this.#untilMs = ledger.isEmpty ? table.quietUntilMs(options) : Number.NEGATIVE_INFINITY;
  }

  /** Takes a short sample where that is enough. Returns false where a whole one has to follow now. */
  take(): boolean {
    const nowMs = monotonicMs();
    if (nowMs >= this.#untilMs) return false;
    try {
      if (!this.#parts.table.standsStill(nowMs, this.#minAgeMs)) return false;
    } catch (error) {
      this.#parts.failed(error);
      return false;
    }
    this.#lastMs = nowMs;
    this.#parts.meter.quiet(nowMs);
    return true;
  }

  /** Before a whole sample: the clock and the tracker hear that until the last short one there was no half-closed socket. */
  end(): void {
    if (this.#lastMs === Number.NEGATIVE_INFINITY) return;
    const { tracker, clock } = this.#parts;
    tracker.observe([], this.#lastMs, clock.skipTo(this.#lastMs));
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}
