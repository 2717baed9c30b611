import type { LeakCause, LeakKind } from '../base/vocabulary.js';
import type { Side } from '../base/vocabulary.js';
import type { TracedAt } from '../layers/request-ids.js';

/** Leaks that agree in every label. */
export interface LeakCount {
  readonly kind: LeakKind;
  readonly cause: LeakCause;
  readonly side: Side;
  /** Route pattern, or path of a plain HTTP server; '' when there is none, `unmatched` or `other`: see {@link LeakTallies}. */
  readonly route: string;
  /** Open now. */
  readonly open: number;
  /** Found since the guard was created. */
  readonly total: number;
  /** The trace of the last one found that had one: its id, its span's, and when. */
  readonly traced: TracedAt | undefined;
  /** True while the route has no place of its own: its open leaks are counted in those of route `other`, and `open` is 0. */
  readonly capped: boolean;
}

export interface LeakLabels {
  readonly kind: LeakKind;
  readonly cause: LeakCause;
  readonly side: Side;
  /** {@link UNMATCHED_ROUTE} where the application's router found none; undefined where there is no route to name. */
  readonly route: string | undefined;
  readonly traced?: TracedAt | undefined;
}

/** The route of requests for which the application's own router has none: what a client asked for is no label. */
export const UNMATCHED_ROUTE = 'unmatched';
/** The route of what has no place of its own. */
export const OTHER_ROUTE = 'other';
/** Routes that open leaks are counted under by name, at a time. */
export const MAX_OPEN_ROUTES = 50;
/** Routes that totals are counted under by name, for as long as the guard lives. */
export const MAX_TOTAL_ROUTES = 200;

/** Totals that are told apart by their labels, likewise. */
export const MAX_TOTAL_SERIES = 500;

/** These always have a place. A route starts with a slash, or is `*`. */
const KEPT: ReadonlySet<string> = new Set(['', UNMATCHED_ROUTE, OTHER_ROUTE]);

interface Tally {
  readonly labels: Omit<LeakCount, 'open' | 'total' | 'traced' | 'capped'>;
  open: number;
  total: number;
  traced: TracedAt | undefined;
}

interface Place {
  open: number;
  /** When its last open leak went, on a clock of its own; the longest empty gives its place away first. */
  emptySince: number;
}

/**
 * Open leaks and totals by label, with few label values and nothing left out of a sum. The rules:
 *
 * 1. Open leaks: 50 routes have a place. It goes to routes with open leaks; one without any gives its place away when
 *    another needs it, and one with fewer than half the open leaks of a route without a place gives way to that. The open
 *    leaks of all others are `other`.
 * 2. Totals: a leak counts once and for good, when it is found: under its route if that is one of the first 200 that had a
 *    place when a leak of theirs was found, and there are no 500 series yet; else under `other`. Nothing moves from one total to another, and a total is kept
 *    while its route has no place. So no series of a counter falls or goes away, and neither does a sum over guards or
 *    cluster workers; Prometheus would take either for a restart and count everything again.
 */
export class LeakTallies {
  /** By route. */
  readonly #tallies = new Map<string, Tally[]>();
  readonly #places = new Map<string, Place>();
  /** Routes with a total of their own. */
  readonly #totalled = new Set<string>();
  #totalSeries = 0;
  #now = 0;

  /** A leak was found. */
  countLeak(leak: LeakLabels): void {
    const route = leak.route ?? '';
    const place = this.#place(route);
    // Until the open leaks are counted anew, its place is in use.
    if (place) place.open++;
    const own = this.#mayTotal(route) ? this.#tally(leak, route) : undefined;
    const hasSeries = own !== undefined && (own.total > 0 || this.#totalSeries < MAX_TOTAL_SERIES);
    const tally = hasSeries ? own : this.#tally(leak, OTHER_ROUTE);
    if (tally.total === 0) this.#totalSeries++;
    tally.total++;
    tally.traced = leak.traced ?? tally.traced;
  }

  /** A leak that was found is open no more. */
  countEnd({ route = '' }: Pick<LeakLabels, 'route'>): void {
    const place = this.#places.get(route);
    if (!place || place.open === 0) return;
    place.open--;
    if (place.open === 0) place.emptySince = ++this.#now;
  }

  /** All open leaks of this moment. */
  setOpen(leaks: Iterable<LeakLabels>): void {
    const all = [...leaks];
    this.#assignPlaces(all);
    for (const ofRoute of this.#tallies.values()) for (const tally of ofRoute) tally.open = 0;
    for (const leak of all) {
      const route = leak.route ?? '';
      this.#tally(leak, this.routeLabelOf(route)).open++;
    }
    for (const [route, ofRoute] of this.#tallies) {
      if (this.#has(route)) continue;
      const kept = ofRoute.filter(({ total }) => total > 0);
      if (kept.length === 0) this.#tallies.delete(route);
      else if (kept.length < ofRoute.length) this.#tallies.set(route, kept);
    }
  }

  /** What an open leak of this route is counted under now. */
  readonly routeLabelOf = (route: string): string => (this.#has(route) ? route : OTHER_ROUTE);

  list(): LeakCount[] {
    return [...this.#tallies.values()].flat().map(({ labels, open, total, traced }) => ({
      ...labels,
      open,
      total,
      traced,
      capped: !this.#has(labels.route),
    }));
  }

  #has(route: string): boolean {
    return KEPT.has(route) || this.#places.has(route);
  }

  #mayTotal(route: string): boolean {
    if (KEPT.has(route) || this.#totalled.has(route)) return true;
    if (!this.#places.has(route) || this.#totalled.size >= MAX_TOTAL_ROUTES) return false;
    this.#totalled.add(route);
    return true;
  }

  /** The place of a route; a free or an empty one, when it has none. */
  #place(route: string): Place | undefined {
    if (KEPT.has(route)) return undefined;
    const known = this.#places.get(route);
    if (known) return known;
    if (this.#places.size >= MAX_OPEN_ROUTES) {
      const empty = this.#least(({ open, emptySince }) => (open === 0 ? emptySince : Number.POSITIVE_INFINITY));
      if (empty === undefined) return undefined;
      this.#places.delete(empty);
    }
    const place = { open: 0, emptySince: ++this.#now };
    this.#places.set(route, place);
    return place;
  }

  #assignPlaces(leaks: readonly LeakLabels[]): void {
    const open = new Map<string, number>();
    for (const { route = '' } of leaks) if (!KEPT.has(route)) open.set(route, (open.get(route) ?? 0) + 1);
    for (const [route, place] of this.#places) {
      const count = open.get(route) ?? 0;
      if (count === 0 && place.open > 0) place.emptySince = ++this.#now;
      place.open = count;
      open.delete(route);
    }
    // What is left has no place. The routes with most leaks ask first; most of a flood of them need not be put in order.
    const least = this.#places.size < MAX_OPEN_ROUTES ? 0 : this.#openOf(this.#least((held) => held.open)) * 2;
    const asking = [...open].filter(([, count]) => count > least);
    for (const [route, count] of asking.sort(([, a], [, b]) => b - a)) {
      let place = this.#place(route);
      if (!place) {
        const smallest = this.#least((held) => held.open);
        if (smallest === undefined || this.#openOf(smallest) * 2 >= count) return;
        this.#places.delete(smallest);
        place = this.#place(route);
      }
      if (place) place.open = count;
    }
  }

  #openOf(route: string | undefined): number {
    return (route === undefined ? undefined : this.#places.get(route)?.open) ?? 0;
  }

  /** The route whose place has the least of something; undefined when all have an infinity of it. */
  #least(of: (place: Place) => number): string | undefined {
    let found: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [route, place] of this.#places) {
      const value = of(place);
      if (value >= least) continue;
      found = route;
      least = value;
    }
    return found;
  }

  /** A route has a handful of them: comparing beats making a key, 9,000 times a scrape. */
  #tally({ kind, cause, side }: LeakLabels, route: string): Tally {
    let ofRoute = this.#tallies.get(route);
    if (!ofRoute) {
      ofRoute = [];
      this.#tallies.set(route, ofRoute);
    }
    let tally = ofRoute.find(({ labels }) => labels.cause === cause && labels.kind === kind && labels.side === side);
    if (!tally) {
      tally = { labels: { kind, cause, side, route }, open: 0, total: 0, traced: undefined };
      ofRoute.push(tally);
    }
    return tally;
  }
}
