import type { NativeBinding } from '../kernel/native.js';
import type { LeakReport } from '../leaks/report.js';
import type { LeakTracker } from '../leaks/tracker.js';
import { leakFactsOf, type LeakFacts, type Names } from './leak-facts.js';
import type { Ledger } from './ledger.js';
import { buildReport } from './report-builder.js';

/** Puts into words what ledger and tracker know. Costs some 100 µs a socket, so it is for what is told or asked for. */
export class Descriptions {
  readonly #binding: NativeBinding;
  readonly #ledger: Ledger;
  readonly #tracker: LeakTracker;
  readonly #names: Names;

  constructor(binding: NativeBinding, ledger: Ledger, tracker: LeakTracker, names: Names) {
    this.#binding = binding;
    this.#ledger = ledger;
    this.#tracker = tracker;
    this.#names = names;
  }

  factsOf(id: bigint): LeakFacts | undefined {
    const entry = this.#ledger.get(id);
    const tracked = this.#tracker.get(id);
    return entry && tracked && leakFactsOf(this.#binding, entry.departed, tracked, this.#names, entry.holder);
  }

  describe(id: bigint, facts = this.factsOf(id)): LeakReport | undefined {
    return facts && buildReport(facts);
  }

  /** The leaks that were told and are open. */
  leaks(): LeakReport[] {
    return this.#ledger.told().flatMap((id) => {
      const entry = this.#ledger.get(id);
      if (!entry) return [];
      entry.report = this.describe(id) ?? entry.report;
      return entry.report ?? [];
    });
  }

  /** Every half-closed, reset or stalled socket, leak or not yet. */
  sockets(): (LeakReport & { readonly leaked: boolean })[] {
    return this.#ledger.ids().flatMap((id) => {
      if (this.#tracker.get(id)?.kind === 'closing') return [];
      const report = this.describe(id);
      return report ? [{ ...report, leaked: this.#ledger.get(id)?.report !== undefined }] : [];
    });
  }
}
