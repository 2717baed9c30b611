import { badArgument } from '../base/errors.js';
import { integerIn, type Range } from '../base/options.js';
import { isRecord } from '../base/objects.js';

/** When {@link Guard.health} says no. */
export interface HealthLimits {
  /** More open leaks than that. 0 to 1,000,000. @default 100 */
  maxLeaks?: number | undefined;
  /** A half-closed or reset socket, leak or not yet, older than that, ms. 1 to 604,800,000 (a week). @default none */
  maxOldestMs?: number | undefined;
}

/** What {@link Guard.health} says. */
export interface Health {
  readonly ok: boolean;
  /** Open leaks, without those that are ignored. */
  readonly leaks: number;
  /** Age of the oldest half-closed or reset socket, ms; 0 when there is none. */
  readonly oldestMs: number;
  /** One sentence: which limit was passed; undefined when all is well. */
  readonly reason: string | undefined;
}

type Counts = Pick<Health, 'leaks' | 'oldestMs'>;

const MAX_LEAKS = 100;
const LEAKS: Range = [0, 1_000_000];
const AGE_MS: Range = [1, 604_800_000];
const TAKES = 'an object { maxLeaks, maxOldestMs }';
/** What was too much is well again below this part of its limit: a probe that flaps takes a service in and out of its load balancer. */
const WELL_AGAIN = 0.8;

/** Holds counts against limits, and remembers for each pair of limits what it said last. */
export class HealthJudge {
  readonly #unwell = new Set<string>();

  /** @throws GuardError CWG_ERR_ARGUMENT naming the limit, the value it got and the values it takes */
  judge(counts: Counts, limits: unknown): Health {
    const { maxLeaks, maxOldestMs } = readLimits(limits);
    const leaks = this.#isTooMuch(`leaks ${maxLeaks}`, counts.leaks, maxLeaks);
    const old = this.#isTooMuch(`oldest ${maxOldestMs}`, counts.oldestMs, maxOldestMs);
    const reasons = [
      ...(leaks ? [`${counts.leaks} leaked sockets are open (maxLeaks ${maxLeaks})`] : []),
      ...(old
        ? [`the oldest half-closed socket is ${Math.round(counts.oldestMs)} ms old (maxOldestMs ${maxOldestMs})`]
        : []),
    ];
    return { ok: reasons.length === 0, ...counts, reason: reasons.length === 0 ? undefined : reasons.join('; ') };
  }

  #isTooMuch(what: string, value: number, limit: number): boolean {
    const tooMuch = value > (this.#unwell.has(what) ? limit * WELL_AGAIN : limit);
    if (tooMuch) this.#unwell.add(what);
    else this.#unwell.delete(what);
    return tooMuch;
  }
}

function readLimits(limits: unknown): { readonly maxLeaks: number; readonly maxOldestMs: number } {
  if (!isRecord(limits)) throw badArgument('the argument of health()', limits, TAKES);
  const { maxLeaks = MAX_LEAKS, maxOldestMs = Number.POSITIVE_INFINITY, ...unknown } = limits;
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw badArgument('a limit given to health()', name, TAKES);
  if (!integerIn(maxLeaks, LEAKS))
    throw badArgument('the maxLeaks given to health()', maxLeaks, 'an integer from 0 to 1,000,000');
  if (maxOldestMs !== Number.POSITIVE_INFINITY && !integerIn(maxOldestMs, AGE_MS))
    throw badArgument('the maxOldestMs given to health()', maxOldestMs, 'an integer from 1 to 604,800,000 (ms)');
  return { maxLeaks, maxOldestMs };
}
