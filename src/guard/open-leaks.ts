import type { LeakCause, LeakKind, Side } from '../base/vocabulary.js';

/** Open leaks that agree in every label. An empty label is one that there is none of. */
export interface OpenLeakCount {
  readonly kind: LeakKind;
  readonly cause: LeakCause;
  readonly side: Side;
  /** As in {@link LeakCount}. */
  readonly route: string;
  /** Of the request, as in `POST`. */
  readonly method: string;
  /** The server that accepted it. */
  readonly server: string;
  /** Outbound: the host that it goes to, by name where it was asked for by name. */
  readonly destination: string;
  readonly count: number;
}

export interface OpenLabels {
  readonly kind: LeakKind;
  readonly cause: LeakCause;
  readonly side: Side;
  readonly route: string | undefined;
  readonly method: string | undefined;
  readonly server: string | undefined;
  readonly host: string | undefined;
}

type Named = Omit<OpenLeakCount, 'count'>;

/** So many leaks are open under these labels. */
export interface OpenPlace {
  readonly key: string;
  readonly labels: Named;
  count: number;
}

/** What labels may tell apart, at a time; Prometheus keeps every series that it has seen for hours. */
export const MAX_OPEN_SERIES = 500;
const OTHER = 'other';

/** Open leaks by all their labels. Each leak's place is put right when it is found, changes its kind or ends: counting visits none. */
export class OpenLeaks {
  readonly #places = new Map<string, OpenPlace>();

  /** Where a leak counts now, in place of where it counted before; undefined: it is open no more, or not yet. */
  move(before: OpenPlace | undefined, leak: OpenLabels | undefined): OpenPlace | undefined {
    // Of all labels the kind alone can change.
    if (before !== undefined && before.labels.kind === leak?.kind) return before;
    if (before !== undefined && --before.count === 0) this.#places.delete(before.key);
    if (leak === undefined) return undefined;
    const { kind, cause, side, route = '', method = '', server = '', host = '' } = leak;
    const place = placeIn(this.#places, { kind, cause, side, route, method, server, destination: host });
    place.count++;
    return place;
  }

  /**
   * At most {@link MAX_OPEN_SERIES} counts, and every leak in one of them: beyond that the largest keep their labels, and of the others
   * kind, cause and side are told, the rest is `other`.
   * @param routeOf the route's label: the route itself, or `other`
   */
  list(routeOf: (route: string) => string): OpenLeakCount[] {
    const named = new Map<string, OpenPlace>();
    for (const { labels, count } of this.#places.values()) {
      placeIn(named, { ...labels, route: routeOf(labels.route) }).count += count;
    }
    const all = [...named.values()];
    if (all.length <= MAX_OPEN_SERIES) return all.map(asCount);
    const rest = new Set(all.map(({ labels: { kind, cause, side } }) => `${kind} ${cause} ${side}`)).size;
    all.sort((a, b) => b.count - a.count);
    const others = new Map<string, OpenPlace>();
    for (const { labels, count } of all.splice(MAX_OPEN_SERIES - rest)) {
      placeIn(others, { ...labels, route: OTHER, method: OTHER, server: OTHER, destination: OTHER }).count += count;
    }
    return [...all, ...others.values()].map(asCount);
  }
}

function asCount({ labels, count }: OpenPlace): OpenLeakCount {
  return { ...labels, count };
}

function placeIn(places: Map<string, OpenPlace>, labels: Named): OpenPlace {
  const { kind, cause, side, route, method, server, destination } = labels;
  // None of them has a line break: what clients send was escaped.
  const key = `${kind}\n${cause}\n${side}\n${route}\n${method}\n${server}\n${destination}`;
  let place = places.get(key);
  if (!place) places.set(key, (place = { key, labels, count: 0 }));
  return place;
}
