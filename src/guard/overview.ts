import type { LeakReport } from '../leaks/report.js';
import type { LeakGroup, LeakGroups } from './leak-groups.js';
import type { Sampler } from './sampler.js';
import type { GuardCounts } from './stats-reader.js';

/** The open leaks as of the last sample, and counts beside them: what the page that a person reads shows. */
export interface LeakOverview extends Omit<LeakGroups, 'groups'> {
  /** The oldest first; each call puts one together as it may leave the guard. */
  readonly groups: readonly (() => LeakGroup)[];
  readonly supported: boolean;
  readonly unsupportedReason: string | undefined;
  /** When the last sample ended, ms since 1970; 0 before the first, undefined where none will come. */
  readonly sampledAt: number | undefined;
  /** Leaks that are open, told or not. */
  readonly open: number;
  /** Of these, beyond `maxReported`: they are in no group. */
  readonly unreported: number;
  /** Open leaks that a rule of `ignore` fits; not in `open`. */
  readonly ignored: number;
  /** Since the guard was created. */
  readonly released: number;
  readonly reclaimed: number;
}

const NO_GROUPS: LeakGroups = Object.freeze({ groups: [], groupCount: 0, shownCount: 0 });

/**
 * Takes no sample, and describes few leaks, in steps; what it returns is as of the last one. Never throws.
 * @param sampler undefined where the addon cannot run, and after close()
 * @param shown a report as it may leave the guard
 */
export function* overviewOf(
  sampler: Sampler | undefined,
  mostGroups: number,
  shown: (report: LeakReport) => LeakReport,
  { unsupportedReason, released, reclaimed, failures }: Omit<GuardCounts, 'tallies'>,
): Generator<void, LeakOverview> {
  let leaks = NO_GROUPS;
  try {
    if (sampler) leaks = yield* sampler.byId.groups(mostGroups);
  } catch (error) {
    failures.note('sample', error);
  }
  const { leakCount = 0, untoldCount = 0, ignoredCount = 0 } = sampler?.counts ?? {};
  return {
    ...leaks,
    groups: leaks.groups.map((group) => () => ({
      ...group,
      oldest: shown(group.oldest),
      some: group.some.map(shown),
    })),
    supported: unsupportedReason === undefined,
    unsupportedReason,
    sampledAt: sampler?.lastSample.endedAt,
    open: leakCount,
    unreported: untoldCount,
    ignored: ignoredCount,
    released: sumOf(released),
    reclaimed: sumOf(reclaimed),
  };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
