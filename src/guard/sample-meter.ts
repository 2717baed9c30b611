import { monotonicMs, wallClockMs } from '../base/clock.js';
import type { LastSample } from './stats.js';

/** What a sample costs, whose work may take several turns of the event loop. */
export class SampleMeter {
  #last: LastSample = { durationMs: 0, socketsRead: 0, endedAt: 0 };
  #longestMs = 0;
  #socketsRead = 0;
  #hasFailed = false;
  #underWay = false;

  /** The last sample that ended. */
  get last(): LastSample {
    return this.#last;
  }

  /** A sample of one turn that found nothing. */
  quiet(startedAtMs: number): void {
    this.#last = { durationMs: monotonicMs() - startedAtMs, socketsRead: 0, endedAt: wallClockMs() };
  }

  countRead(sockets: number): void {
    this.#socketsRead += sockets;
  }

  /** One turn of it. What `work` throws goes to `failed`, and the sample did not come to its end. */
  turn(work: () => void, failed: (error: unknown) => void): void {
    const startedAt = monotonicMs();
    this.#underWay = true;
    try {
      work();
    } catch (error) {
      this.#hasFailed = true;
      failed(error);
    }
    this.#longestMs = Math.max(this.#longestMs, monotonicMs() - startedAt);
  }

  /** It is over, if there is one. */
  end(): void {
    if (!this.#underWay) return;
    const endedAt = this.#hasFailed ? this.#last.endedAt : wallClockMs();
    this.#last = { durationMs: this.#longestMs, socketsRead: this.#socketsRead, endedAt };
    this.#longestMs = 0;
    this.#socketsRead = 0;
    this.#hasFailed = false;
    this.#underWay = false;
  }
}
