/**
 * Spreads a lap over the samples of a time, in few and larger steps: a sample in which nothing is due costs nothing, and each thing
 * is visited once in that time however many samples it has.
 */
export class Pace {
  readonly #step: number;
  #lastMs: number;

  /** @param step how many make a step worth its while; fewer where a lap is less than four of them */
  constructor(step: number, nowMs: number) {
    this.#step = step;
    this.#lastMs = nowMs;
  }

  /** How many of `total` are due, where a lap may take `lapMs`. */
  due(total: number, nowMs: number, lapMs: number): number {
    const share = Math.min(1, (nowMs - this.#lastMs) / lapMs);
    const due = total * share;
    if (due < this.#leastOf(total)) return 0;
    this.#lastMs = nowMs;
    return Math.ceil(due);
  }

  /** Until when nothing of `total` is due. */
  quietUntilMs(total: number, lapMs: number): number {
    return total === 0 ? Number.POSITIVE_INFINITY : this.#lastMs + (lapMs * this.#leastOf(total)) / total;
  }

  #leastOf(total: number): number {
    return Math.min(this.#step, total / 4);
  }
}
