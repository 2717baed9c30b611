import type { LeakKind } from '../base/vocabulary.js';
import type { Departed } from '../layers/facts.js';
import type { LeakReport } from '../leaks/report.js';
import { kindOf } from './leak-facts.js';

/** What a leak is counted under, and what else is counted of it: from when it became one. */
export type LeakCounted = Pick<LeakReport, 'kind' | 'cause' | 'side' | 'route'> & {
  readonly remoteAddress: string | undefined;
  readonly localPort: number | undefined;
};

/** All that a guard holds of one socket, under the socket's cookie. */
export interface LedgerEntry {
  /** As it was last read. */
  departed: Departed;
  /** Bytes that waited in its streams then. */
  bufferedBytes: number;
  /** Set when it became a leak. */
  counted: LeakCounted | undefined;
  /** The last report that was told or returned; undefined until the leak has been told. */
  report: LeakReport | undefined;
  /** The process that holds it, when only another one does. */
  holder: number | undefined;
  /** A reclaim filter has said no: on the sampler's clock, when it is asked again. */
  reclaimAgainAtMs: number;
}

/** The sockets of one guard: suspects, leaks that were counted, and of these the ones that were told. */
export class Ledger {
  readonly #entries = new Map<bigint, LedgerEntry>();
  /** Leaks that `maxReported` keeps from being told, in the order in which they became leaks. */
  readonly #untold = new Set<bigint>();
  readonly #told = new Set<bigint>();

  get untoldCount(): number {
    return this.#untold.size;
  }

  get toldCount(): number {
    return this.#told.size;
  }

  get(id: bigint): LedgerEntry | undefined {
    return this.#entries.get(id);
  }

  /** Takes in what a sample read of a socket. */
  record(departed: Departed, bufferedBytes: number): LedgerEntry {
    const known = this.#entries.get(departed.cookie);
    if (known) {
      known.departed = departed;
      known.bufferedBytes = bufferedBytes;
      return known;
    }
    const entry: LedgerEntry = {
      departed,
      bufferedBytes,
      counted: undefined,
      report: undefined,
      holder: undefined,
      reclaimAgainAtMs: 0,
    };
    this.#entries.set(departed.cookie, entry);
    return entry;
  }

  count(id: bigint, counted: LeakCounted): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.counted = counted;
    this.#untold.add(id);
  }

  tell(id: bigint, report: LeakReport): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.report = report;
    this.#untold.delete(id);
    this.#told.add(id);
  }

  delete(id: bigint): void {
    this.#entries.delete(id);
    this.#untold.delete(id);
    this.#told.delete(id);
  }

  ids(): bigint[] {
    return [...this.#entries.keys()];
  }

  told(): bigint[] {
    return [...this.#told];
  }

  untold(): IterableIterator<bigint> {
    return this.#untold.values();
  }

  entries(): IterableIterator<LedgerEntry> {
    return this.#entries.values();
  }
}

/** The kind that a socket is counted under now: a leak may turn from close-wait to reset. */
export function currentKind({ departed, counted }: LedgerEntry): LeakKind | 'closing' {
  const kind = kindOf(departed.record.state);
  return kind === 'closing' && counted ? counted.kind : kind;
}
