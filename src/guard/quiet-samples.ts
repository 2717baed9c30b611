import { monotonicMs } from '../base/clock.js';
import type { LoopClock } from '../leaks/loop-clock.js';
import type { LeakTracker } from '../leaks/tracker.js';
import type { ClosedQueue } from '../sockets/half-closed-sockets.js';
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
  readonly closedQueue: ClosedQueue;
  readonly failed: (error: unknown) => void;
}

/** Of so many samples one at least reads known leaks, and then as many as these together would. */
const LEAKS_EVERY = 4;

/**
 * Nearly all samples of a healthy process: nothing is half-closed, nothing is due, and all that is to be done is to put new sockets on the
 * watch and to ask whether a peer has left. The whole one costs several times that and finds nothing either: code that runs once in a second is never compiled, and
 * always cold. Where some leaks are known and nothing else happens, three samples of four are of this kind too, and ask the leaks' owners
 * whether they have closed them.
 */
export class QuietSamples {
  readonly #parts: Parts;
  /** Before then nothing is to be searched for or read, as far as the last whole sample knew. */
  #untilMs = Number.NEGATIVE_INFINITY;
  /** The last short sample that the clock and the tracker have not heard of. */
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Short samples since the last whole one. */
  #passed = 0;
  readonly #intervalMs: number;
  readonly #alsoWithLeaks: boolean;

  /**
   * @param intervalMs between two samples; announced sockets are put on the watch once they are this old
   * @param alsoWithLeaks whether nothing is done to known leaks that takes a whole sample each time
   */
  constructor(parts: Parts, intervalMs: number, alsoWithLeaks: boolean) {
    this.#parts = parts;
    this.#intervalMs = intervalMs;
    this.#alsoWithLeaks = alsoWithLeaks;
  }

  /** After a whole sample: says until when those that follow may be short. */
  plan(options: SampleOptions): void {
    const { ledger, table } = this.#parts;
    const mayPass = ledger.isEmpty || (this.#alsoWithLeaks && ledger.isSettled);
    this.#untilMs = mayPass ? table.quietUntilMs(options) : Number.NEGATIVE_INFINITY;
  }

  /** A whole sample begins: returns how many short ones were taken since the last that may have left out known leaks. */
  takePassed(): number {
    const passed = Math.min(this.#passed, LEAKS_EVERY - 1);
    this.#passed = 0;
    return passed;
  }

  /** Takes a short sample where that is enough. Returns false where a whole one has to follow now. */
  take(): boolean {
    const { table, ledger, closedQueue, meter, failed } = this.#parts;
    const nowMs = monotonicMs();
    if (nowMs >= this.#untilMs || !closedQueue.isEmpty) return false;
    if (this.#passed >= LEAKS_EVERY - 1 && !ledger.isEmpty) return false;
    try {
      if (!table.standsStill(nowMs, this.#intervalMs)) return false;
    } catch (error) {
      failed(error);
      return false;
    }
    this.#lastMs = nowMs;
    this.#passed++;
    meter.quiet(nowMs);
    return true;
  }

  /** Before a whole sample, and where ages are asked for: the clock and the tracker hear that until the last short one nothing could become due. */
  end(): void {
    if (this.#lastMs === Number.NEGATIVE_INFINITY) return;
    const { tracker, clock } = this.#parts;
    tracker.advance(this.#lastMs, clock.skipTo(this.#lastMs));
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}
