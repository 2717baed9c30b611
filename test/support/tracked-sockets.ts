import { LeakTracker, type TimeOuts, type Track } from '../../src/leaks/tracker.js';
import type { Progress, SuspectKind } from '../../src/sockets/suspect.js';

export const TIMEOUT = 1_000;

export type Observation = Progress & { readonly id: bigint };

export interface View {
  readonly id: bigint;
  readonly kind: SuspectKind;
  readonly ageMs: number;
  readonly idleMs: number;
  readonly leaked: boolean;
}

export interface Verdict {
  readonly due: readonly View[];
  readonly ended: readonly View[];
}

export const ids = (sockets: readonly { id: bigint }[]): bigint[] => sockets.map(({ id }) => id);

export function observation(change: Partial<Observation> = {}): Observation {
  return {
    id: 1n,
    kind: 'close-wait',
    state: 8,
    readBytes: 0,
    bufferedBytes: 100,
    ackedBytes: 0,
    pipedBytes: 0,
    drainedBytes: undefined,
    lastAckAgeMs: 0,
    openAtMs: 0,
    ...change,
  };
}

export interface Entry {
  readonly id: bigint;
  suspect: { readonly progress: Progress };
  track: Track | undefined;
  isLeak: boolean;
}

/** A tracker and the least that a ledger does for it: it keeps the tracks by socket, and drops those that are closed. */
export class TrackedSockets {
  readonly #tracker: LeakTracker<Entry>;
  readonly #entries = new Map<bigint, Entry>();

  constructor(timeoutMs: number | TimeOuts<Entry>) {
    this.#tracker = new LeakTracker(timeoutMs);
  }

  observe(seen: readonly Observation[], closed: readonly bigint[], nowMs: number, loopMs: number): Verdict {
    const gone = closed.flatMap((id) => this.#entries.get(id) ?? []);
    for (const { id } of gone) this.#entries.delete(id);
    this.#tracker.advance(nowMs, loopMs);
    const due = this.#tracker.observe(seen.map((progress) => this.#record(progress)));
    return { due: due.map((entry) => this.#view(entry)), ended: gone.map((entry) => this.#view(entry)) };
  }

  markLeaked(id: bigint): void {
    const entry = this.#entries.get(id);
    if (entry) entry.isLeak = true;
  }

  forget(id: bigint): void {
    this.#entries.delete(id);
  }

  has(id: bigint): boolean {
    return this.#entries.has(id);
  }

  get(id: bigint): View | undefined {
    const entry = this.#entries.get(id);
    return entry && this.#view(entry);
  }

  loopIdleMs(id: bigint): number {
    const track = this.#entries.get(id)?.track;
    return track ? this.#tracker.loopIdleMs(track) : 0;
  }

  #record(progress: Observation): Entry {
    const { id } = progress;
    const entry = this.#entries.get(id) ?? { id, suspect: { progress }, track: undefined, isLeak: false };
    entry.suspect = { progress };
    this.#entries.set(id, entry);
    return entry;
  }

  #view({ id, track, isLeak }: Entry): View {
    if (!track) throw new Error(`socket ${id} was never observed`);
    const [ageMs, idleMs] = [this.#tracker.ageMs(track), this.#tracker.idleMs(track)];
    return { id, kind: track.kind, ageMs, idleMs, leaked: isLeak };
  }
}

/** On a loop that is always able to act. `at` takes a sample of all there is, and counts as a leak what is due. */
export class SampledSockets extends TrackedSockets {
  #open = new Set<bigint>();

  constructor() {
    super(TIMEOUT);
  }

  at(nowMs: number, ...seen: Observation[]): Verdict {
    const closed = [...this.#open].filter((id) => seen.every((each) => each.id !== id));
    this.#open = new Set(ids(seen));
    const verdict = this.observe(seen, closed, nowMs, nowMs);
    for (const { id } of verdict.due) this.markLeaked(id);
    return verdict;
  }
}

/** What a sample returns in which nothing happened. */
export const QUIET = { due: [], ended: [] };
