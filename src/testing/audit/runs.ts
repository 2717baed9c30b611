import type { HangUpWay, HangUpMoment, HangUpRequest } from '../hang-up/options.js';
import type { NotTriedReason } from './report.js';

/** One client that hangs up once. */
export interface Run {
  readonly request: HangUpRequest;
  readonly at: HangUpMoment;
  readonly how: HangUpWay;
}

/** Why a run was not begun. */
export interface Refused {
  readonly refused: NotTriedReason;
  readonly explanation: string;
}

export interface Bounds {
  readonly concurrency: number;
  readonly maxRuns: number;
  readonly timeLimitMs: number;
}

/** Begins runs as long as their bounds allow. */
export class Runs<Result extends object> {
  readonly #hangUp: (run: Run) => Promise<Result>;
  readonly #bounds: Bounds;
  readonly #now: () => number;
  readonly #startedAt: number;
  #begun = 0;
  #going = 0;
  readonly #waiting: (() => void)[] = [];
  /** Why no run can be begun any more. */
  #broken: string | undefined;

  constructor(hangUp: (run: Run) => Promise<Result>, bounds: Bounds, now: () => number) {
    this.#hangUp = hangUp;
    this.#bounds = bounds;
    this.#now = now;
    this.#startedAt = now();
  }

  /** How many were begun. */
  get count(): number {
    return this.#begun;
  }

  get elapsedMs(): number {
    return this.#now() - this.#startedAt;
  }

  /** Waits for its turn: `concurrency` of them go on at a time, in the order in which they were asked for. */
  async begin(run: Run): Promise<Result | Refused> {
    if (this.#going < this.#bounds.concurrency) this.#going++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await this.#run(run);
    } finally {
      const next = this.#waiting.shift();
      // It takes this one's place.
      if (next) next();
      else this.#going--;
    }
  }

  async #run(run: Run): Promise<Result | Refused> {
    const refused = this.#refusal();
    if (refused) return refused;
    this.#begun++;
    try {
      return await this.#hangUp(run);
    } catch (error) {
      // Most likely a route has closed the server: every further run would fail the same way.
      this.#broken ??= `the client failed at ${run.request.method ?? 'GET'} ${run.request.path ?? '/'} (${error instanceof Error ? error.message : String(error)})`;
      return { refused: 'failed', explanation: this.#broken };
    }
  }

  #refusal(): Refused | undefined {
    const { maxRuns, timeLimitMs } = this.#bounds;
    if (this.#broken !== undefined) return { refused: 'failed', explanation: this.#broken };
    if (this.#begun >= maxRuns) return { refused: 'max-runs', explanation: `maxRuns (${maxRuns}) was reached` };
    if (this.elapsedMs >= timeLimitMs) {
      return { refused: 'time-limit', explanation: `timeLimitMs (${timeLimitMs}) was over` };
    }
    return undefined;
  }
}
