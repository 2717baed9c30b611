import { badOption } from '../base/errors.js';
import { isRecord } from '../base/objects.js';
import { callback, integer, option, readOptions, type OptionRule } from '../base/options.js';
import { LEAK_KINDS, type LeakKind } from '../base/vocabulary.js';
import type { LeakReport } from '../leaks/report.js';

/** What the option `reclaim` of {@link createGuard} takes. */
export interface ReclaimOptions {
  /** How long after it became a leak, ms, 0 to 86,400,000. @default 0 */
  afterMs?: number | undefined;
  /** @default all */
  kinds?: readonly LeakKind[] | undefined;
  /**
   * Asked for each leak that would be ended; only `true` ends it. Any other result leaves it alone, and it is asked again after
   * a tenth of the leak's age. What it throws leaves the leak alone too and is counted as a listener's error, and so does a
   * promise: it cannot be async.
   */
  filter?: ((leak: LeakReport) => boolean) | undefined;
}

/** Which leaks the guard destroys, and when. */
export interface ReclaimPolicy {
  readonly afterMs: number;
  readonly kinds: ReadonlySet<LeakKind>;
  readonly filter: ReclaimOptions['filter'];
}

/** What the object form of the option `reclaim` takes. */
export const RECLAIM_OPTIONS = Object.freeze({
  afterMs: integer('milliseconds', [0, 86_400_000], 0),
  kinds: option<readonly LeakKind[]>(
    `an array of ${LEAK_KINDS.join(', ')}`,
    LEAK_KINDS,
    (value) => Array.isArray(value) && value.length > 0 && value.every((kind) => LEAK_KINDS.includes(kind as LeakKind)),
  ),
  filter: callback<NonNullable<ReclaimOptions['filter']>>('(leak) => boolean'),
});

const TAKES = `true, false or an object { ${Object.keys(RECLAIM_OPTIONS).join(', ')} }`;

/** The option `reclaim`: a policy, or undefined when nothing is to be reclaimed. */
export const RECLAIM_OPTION: OptionRule<ReclaimPolicy | undefined> = {
  default: undefined,
  takes: TAKES,
  read: (value, name) => {
    if (value === false) return undefined;
    if (value !== true && !isRecord(value)) throw badOption(name, value, TAKES);
    const { afterMs, kinds, filter } = readOptions(RECLAIM_OPTIONS, value === true ? {} : value, `${name}.`);
    return { afterMs, kinds: new Set(kinds), filter };
  },
};
