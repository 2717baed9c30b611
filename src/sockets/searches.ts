import { Pace } from './pace.js';
import { Signs, type KernelNumbers } from './signs.js';

/** How many watched sockets a sample visits where there is something to find: some 0.4 µs each. */
const SWEEP_STEP = 1_024;
/**
 * So many at once make a step of the laps that are made whatever the signs say: about 0.8 ms. A whole sample costs a fraction of that
 * before it visits the first, so few large steps cost less than many small ones.
 */
const LAP_STEP = 2_048;
/** The signs are read so often in a time-out. */
const SIGNS_IN_TIME_OUT = 8;
/** A lap takes this share of a time-out at most; with the steps' unevenness there is one in each. */
const LAP_SHARE = 0.7;

export interface SearchNow {
  readonly nowMs: number;
  /** How long a socket may make no progress: no search may take longer. */
  readonly timeOutMs: number;
  readonly watchedCount: number;
  /** Some of them are not on the watch, and only a visit tells. */
  readonly hasUnwatched: boolean;
  /** Somebody asks and waits: the signs are read now, and a step is made in any case. */
  readonly onDemand: boolean;
}

export interface SearchPlan {
  /** How many watched sockets are to be visited. */
  readonly sweep: number;
  /** Whether the next part of the fd table is. */
  readonly walk: boolean;
}

/**
 * When a sample looks for what raises no event. Two signs say that there may be something (see {@link Signs}); then a lap over the
 * watched sockets, or over the fd table, begins. Whatever they say, there is one lap of each in every time-out.
 */
export class Searches {
  readonly #signs: Signs;
  readonly #pace: Pace;
  /** How many watched sockets are still to be visited since a sign has moved. */
  #sweepOwed = 0;
  /** Laps over the fd table: one is under way, and another is to follow where a sign has moved since it began. */
  #walksOwed = 0;
  #walking = false;
  #walkedAtMs = Number.NEGATIVE_INFINITY;
  #plannedAtMs: number;

  constructor(numbers: KernelNumbers, nowMs: number) {
    this.#signs = new Signs(numbers);
    this.#pace = new Pace(LAP_STEP, nowMs);
    this.#plannedAtMs = nowMs;
  }

  plan({ nowMs, timeOutMs, watchedCount, hasUnwatched, onDemand }: SearchNow): SearchPlan {
    const moved = this.#signs.read(nowMs, onDemand ? 0 : timeOutMs / SIGNS_IN_TIME_OUT);
    if (moved.fds || moved.windows) this.#sweepOwed = watchedCount;
    if (moved.fds || nowMs - this.#walkedAtMs >= timeOutMs * LAP_SHARE) this.oweWalk();
    const elapsedMs = nowMs - this.#plannedAtMs;
    this.#plannedAtMs = nowMs;
    // Owed laps take half a time-out at most, as large as they are.
    const step = Math.max(SWEEP_STEP, Math.ceil((watchedCount * Math.min(elapsedMs, timeOutMs)) / (timeOutMs / 2)));
    const owed = hasUnwatched || onDemand ? step : Math.min(step, this.#sweepOwed);
    const sweep = Math.max(owed, this.#pace.due(watchedCount, nowMs, timeOutMs * LAP_SHARE));
    this.#sweepOwed = Math.max(0, this.#sweepOwed - sweep);
    this.#walking = onDemand || this.#walksOwed > 0;
    return { sweep, walk: this.#walking };
  }

  /** Until when no search is due, as far as is known now; -Infinity where one is under way. */
  quietUntilMs(timeOutMs: number, watchedCount: number): number {
    if (this.#sweepOwed > 0 || this.#walksOwed > 0) return Number.NEGATIVE_INFINITY;
    const lapMs = timeOutMs * LAP_SHARE;
    return Math.min(
      this.#signs.nextAtMs(timeOutMs / SIGNS_IN_TIME_OUT),
      this.#walkedAtMs + lapMs,
      this.#pace.quietUntilMs(watchedCount, lapMs),
    );
  }

  /** There may be something new in the fd table; of a lap that is under way the part behind it is not seen again. */
  oweWalk(): void {
    this.#walksOwed = this.#walking ? 2 : Math.max(1, this.#walksOwed);
  }

  /** A lap over the fd table has come to its end. */
  walked(nowMs: number): void {
    this.#walkedAtMs = nowMs;
    this.#walking = false;
    this.#walksOwed = Math.max(0, this.#walksOwed - 1);
  }
}
