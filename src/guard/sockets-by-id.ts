import type { Socket } from 'node:net';
import type { NativeBinding } from '../kernel/native.js';
import type { LeakReport } from '../leaks/report.js';
import type { Descriptions } from './descriptions.js';
import { LeakGrouper, type LeakGroups } from './leak-groups.js';
import type { Ledger } from './ledger.js';
import { closeLeak, endLeak } from './reclaim.js';
import type { SocketReport } from './types.js';

/** The half-closed, reset and stalled sockets of a guard by their ids, leaks or not yet: for the testing helpers and the page. */
export class SocketsById {
  readonly #binding: NativeBinding;
  readonly #ledger: Ledger;
  readonly #descriptions: Descriptions;
  readonly #sample: () => void;
  readonly #grouper: LeakGrouper;

  /** @param sample takes a sample now */
  constructor(binding: NativeBinding, ledger: Ledger, descriptions: Descriptions, sample: () => void) {
    this.#binding = binding;
    this.#ledger = ledger;
    this.#descriptions = descriptions;
    this.#sample = sample;
    this.#grouper = new LeakGrouper(ledger, descriptions);
  }

  /** The open leaks as a person reads them, as of the last sample, in steps; see {@link LeakGrouper}. */
  groups(most: number): Generator<void, LeakGroups> {
    return this.#grouper.read(most);
  }

  all(): string[] {
    return this.#descriptions.ids();
  }

  reportOf(id: string): SocketReport | undefined {
    const entry = this.#ledger.get(BigInt(id));
    return entry && this.#descriptions.socket(entry);
  }

  socketOf(id: string): Socket | undefined {
    return this.#ledger.get(BigInt(id))?.suspect.socket;
  }

  /** Ends one that is there after a sample now, whether it is due or not. False when there is none that can be ended. */
  destroy(id: string): boolean {
    const end = this.enderOf(id);
    if (!end) return false;
    end();
    this.#ledger.delete(BigInt(id));
    return true;
  }

  /** What ends it later; undefined when there is none that can be ended. */
  enderOf(id: string): (() => void) | undefined {
    this.#sample();
    const { socket, report } = this.#endable(id) ?? {};
    if (!socket || !report) return undefined;
    const reference = new WeakRef(socket);
    return () => {
      const still = reference.deref();
      if (still?.destroyed === false) endLeak(this.#binding, still, BigInt(id), report);
    };
  }

  /** Closes those of these that are there after a sample now and can be, whether they are due or not. */
  close(ids: Iterable<string>): void {
    this.#sample();
    for (const id of ids) {
      const { socket, report } = this.#endable(id) ?? {};
      if (!socket || !report) continue;
      closeLeak(socket, report);
      this.#ledger.delete(BigInt(id));
    }
  }

  #endable(id: string): { readonly socket: Socket; readonly report: LeakReport } | undefined {
    const entry = this.#ledger.get(BigInt(id));
    const report = entry && this.#descriptions.describe(entry);
    const socket = entry?.suspect.socket;
    return socket && report && { socket, report };
  }
}
