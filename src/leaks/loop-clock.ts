/**
 * Counts the time in which the event loop could act. While the loop is blocked every age grows and nobody could
 * have read or closed anything, so that time must not make a leak.
 *
 * Two facts tell the time apart: how late a sample is against the interval, and how long the loop sat idle waiting for
 * events (`performance.eventLoopUtilization().idle`). A sample that comes on time proves that the loop turned. For one that
 * comes late, only the idle time counts: the loop could have acted in it, and nothing is known of the rest.
 */
export class LoopClock {
  readonly #intervalMs: number;
  #lastMs: number;
  /** Undefined where nobody has asked. */
  #lastIdleMs: number | undefined;
  #usableMs = 0;

  /** @param intervalMs between two samples, 0 when they come on demand only. */
  constructor(intervalMs: number, nowMs: number, loopIdleMs: number) {
    this.#intervalMs = intervalMs;
    this.#lastMs = nowMs;
    this.#lastIdleMs = loopIdleMs;
  }

  /** Time the loop could act since this clock was made, in ms. Never decreases. */
  get usableMs(): number {
    return this.#usableMs;
  }

  /**
   * Moves the clock to a sample that found nothing: no age is counted in the time before it, so all of it may count. How long the loop
   * was idle is not known of the time after it, which counts only where the next sample comes on time. Returns {@link usableMs}.
   */
  skipTo(nowMs: number): number {
    this.#usableMs += Math.max(0, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.#lastIdleMs = undefined;
    return this.#usableMs;
  }

  /** Moves the clock to this sample and returns {@link usableMs}. */
  advance(nowMs: number, loopIdleMs: number): number {
    const elapsed = Math.max(0, nowMs - this.#lastMs);
    const idle = Math.max(0, loopIdleMs - (this.#lastIdleMs ?? loopIdleMs));
    const onTime = elapsed <= this.#intervalMs * 1.5 + SLACK_MS;
    this.#usableMs += onTime ? elapsed : Math.min(elapsed, idle);
    this.#lastMs = nowMs;
    this.#lastIdleMs = loopIdleMs;
    return this.#usableMs;
  }
}

/** Lateness that any busy, healthy loop shows (a garbage collection, one slow callback). */
const SLACK_MS = 50;
