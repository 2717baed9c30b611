import { wallClock } from '../base/clock.js';
import { SCHEMA_ID } from '../base/schema.js';
import { VERSION } from '../base/version.js';
import { isRecord } from '../base/objects.js';
import { MOST_ENDED, MOST_GROUPS, type PageGroup, type PageTotals, type SocketsPageData } from './data.js';

/** Of a group, beside its oldest. */
const SOME = 5;

/** What several processes and threads show, as one page: equal leaks are equal in every process. */
export function mergePages(pages: readonly SocketsPageData[]): SocketsPageData {
  const groups = new Map<string, PageGroup>();
  for (const group of pages.flatMap((page) => page.groups)) {
    const known = groups.get(group.fingerprint);
    groups.set(group.fingerprint, known ? joined(known, group) : group);
  }
  const all = [...groups.values()].sort((a, b) => b.oldest.leak.ageMs - a.oldest.leak.ageMs);
  const shown = all.slice(0, MOST_GROUPS);
  const sum = (name: keyof PageTotals): number => pages.reduce((total, { totals }) => total + totals[name], 0);
  const beyond = pages.reduce((total, { totals, groups }) => total + totals.groups - groups.length, 0);
  return {
    $schema: SCHEMA_ID,
    version: VERSION,
    time: wallClock().toISOString(),
    processes: pages.flatMap(({ processes }) => processes),
    totals: {
      open: sum('open'),
      // Of those that a process left out nobody knows which are equal.
      groups: all.length + beyond,
      shown: shown.reduce((total, { count }) => total + count, 0),
      unreported: sum('unreported'),
      ignored: sum('ignored'),
      released: sum('released'),
      reclaimed: sum('reclaimed'),
    },
    groups: shown,
    ended: pages
      .flatMap(({ ended }) => ended)
      .sort((a, b) => (a.time < b.time ? 1 : -1))
      .slice(0, MOST_ENDED),
  };
}

function joined(one: PageGroup, other: PageGroup): PageGroup {
  const [older, younger] = one.oldest.leak.ageMs >= other.oldest.leak.ageMs ? [one, other] : [other, one];
  const sockets = [...older.sockets, ...younger.sockets].slice(0, SOME);
  return { ...older, count: one.count + other.count, sockets };
}

/** Whether another process sent it, of a version that says it in the same way. What is in its reports is shown as text, whatever it is. */
export function isPageData(value: unknown): value is SocketsPageData {
  if (!isRecord(value) || value.$schema !== SCHEMA_ID || !isRecord(value.totals)) return false;
  const { processes, groups, ended, totals } = value;
  return (
    Object.values(totals).every((count) => typeof count === 'number') &&
    Array.isArray(processes) &&
    processes.every(isRecord) &&
    Array.isArray(groups) &&
    groups.every(isGroup) &&
    Array.isArray(ended) &&
    ended.every((each: unknown) => isRecord(each) && typeof each.time === 'string' && isRecord(each.leak))
  );
}

function isGroup(value: unknown): boolean {
  if (!isRecord(value) || typeof value.fingerprint !== 'string' || typeof value.count !== 'number') return false;
  const { oldest, sockets } = value;
  const leak = isRecord(oldest) && isRecord(oldest.leak) ? oldest.leak : {};
  return typeof leak.ageMs === 'number' && Array.isArray(sockets) && sockets.every(isRecord);
}
