import type { NativeBinding } from '../kernel/native.js';
import type { LeakReport } from '../leaks/report.js';
import { fingerprintOf } from './fingerprint.js';
import type { LeakTracker } from '../leaks/tracker.js';
import { leakFactsOf, type LeakFacts, type Names } from './leak-facts.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import { buildReport } from './report-builder.js';
import type { SocketReport } from './types.js';

/** Puts into words what the ledger knows. Costs some 100 µs a socket, so it is for what is told or asked for. */
export class Descriptions {
  readonly #binding: NativeBinding;
  readonly #ledger: Ledger;
  readonly #tracker: LeakTracker<LedgerEntry>;
  readonly #names: Names;
  readonly #shown: (text: string) => string;

  /** @param shown what of a text may be in a report */
  constructor(
    binding: NativeBinding,
    ledger: Ledger,
    tracker: LeakTracker<LedgerEntry>,
    names: Names,
    shown: (text: string) => string,
  ) {
    this.#binding = binding;
    this.#ledger = ledger;
    this.#tracker = tracker;
    this.#names = names;
    this.#shown = shown;
  }

  factsOf({ suspect, track, holder }: LedgerEntry): LeakFacts | undefined {
    if (!track) return undefined;
    const tracked = { kind: track.kind, ageMs: this.#tracker.ageMs(track), idleMs: this.#tracker.idleMs(track) };
    return leakFactsOf(this.#binding, suspect, tracked, this.#names, holder);
  }

  describe(entry: LedgerEntry, facts = this.factsOf(entry)): LeakReport | undefined {
    if (!facts) return undefined;
    return buildReport(facts, (leak) => {
      const fingerprint = entry.fingerprint ?? fingerprintOf(leak, this.#shown);
      return { fingerprint, count: this.#ledger.equalCount(fingerprint) };
    });
  }

  /** As it was told or last described, with its ages of now: for who shows many. Undefined for what was not told. */
  kept({ report, track }: LedgerEntry): LeakReport | undefined {
    if (!report || !track) return report;
    const ageMs = Math.round(this.#tracker.ageMs(track));
    const idleMs = Math.round(Math.min(this.#tracker.idleMs(track), ageMs));
    const { endsInMs, fingerprint } = report;
    const passedMs = ageMs - report.ageMs;
    return {
      ...report,
      count: this.#ledger.equalCount(fingerprint),
      ageMs,
      idleMs,
      endsInMs: endsInMs === undefined ? undefined : Math.max(0, endsInMs - passedMs),
    };
  }

  /** The leaks that were told and are open. */
  leaks(): LeakReport[] {
    return Array.from(this.#ledger.entries()).flatMap((entry) => {
      if (!entry.report) return [];
      return (entry.report = this.describe(entry) ?? entry.report);
    });
  }

  /** Every half-closed, reset or stalled socket, leak or not yet. */
  sockets(): SocketReport[] {
    return Array.from(this.#ledger.entries()).flatMap((entry) => this.socket(entry) ?? []);
  }

  socket(entry: LedgerEntry): SocketReport | undefined {
    if (!isHeld(entry)) return undefined;
    const report = this.describe(entry);
    return report && { ...report, leaked: entry.report !== undefined, ignored: entry.ignored };
  }

  ids(): string[] {
    return Array.from(this.#ledger.entries()).flatMap((entry) => (isHeld(entry) ? String(entry.suspect.cookie) : []));
  }
}

function isHeld({ track }: LedgerEntry): boolean {
  return track !== undefined && track.kind !== 'closing';
}
