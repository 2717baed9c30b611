import type { DestinationStats } from './stats.js';

/** Hosts that are counted under their names, for as long as the guard lives. */
export const MAX_DESTINATIONS = 50;
/** All others. */
const OTHER = 'other';

/**
 * FIN_WAIT_2 sockets by the host that owes the FIN, with few label values: a host gets a place when it owes one for the first
 * time, and keeps it, so that its gauge falls to 0 and does not go away.
 */
export class FinWait2ByHost {
  readonly #named = new Set<string>();

  /** `counts`: undefined where they cannot be had. */
  list(counts: ReadonlyMap<string, number> | undefined): DestinationStats[] {
    let others = 0;
    for (const [host, count] of counts ?? []) {
      if (this.#named.size < MAX_DESTINATIONS) this.#named.add(host);
      if (!this.#named.has(host)) others += count;
    }
    const named = Array.from(this.#named, (host) => ({
      destination: host,
      finWait2: counts && (counts.get(host) ?? 0),
    }));
    const isFull = this.#named.size >= MAX_DESTINATIONS;
    return isFull ? [...named, { destination: OTHER, finWait2: counts && others }] : named;
  }
}
