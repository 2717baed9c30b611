import { monotonicMs } from '../base/clock.js';
import type { NativeBinding } from '../kernel/native.js';
import { SharedSockets } from '../kernel/shared-sockets.js';
import { isOpen } from '../layers/node-internals.js';
import { tracedNow } from '../layers/request-ids.js';
import type { LedgerEntry } from './ledger.js';
import { endLeak, type Reclaimer } from './reclaim.js';
import type { SamplerParts } from './sampler-parts.js';

/** What one sample may spend on reclaiming, ms; the rest goes on in the next. */
const SLICE_MS = 4;

/** Ends the leaks that are to be ended. */
export class ReclaimRounds {
  readonly #binding: NativeBinding;
  readonly #reclaimer: Reclaimer;
  readonly #parts: SamplerParts;
  /** Reads one socket again: what was read some time ago may have made progress since. */
  readonly #readAgain: (cookie: bigint) => void;

  constructor(binding: NativeBinding, reclaimer: Reclaimer, parts: SamplerParts, readAgain: (cookie: bigint) => void) {
    this.#binding = binding;
    this.#reclaimer = reclaimer;
    this.#parts = parts;
    this.#readAgain = readAgain;
  }

  /** Ends those that are due now. */
  run(): void {
    const nowMs = monotonicMs();
    // Who else has them is looked up once for all.
    let shared: SharedSockets | undefined;
    const sharedSockets = (): SharedSockets => (shared ??= new SharedSockets());
    for (const entry of this.#parts.ledger.entries()) {
      if (this.#parts.isClosed() || monotonicMs() > nowMs + SLICE_MS) return;
      if (this.#isDue(entry, nowMs)) this.#reclaim(entry, nowMs, sharedSockets);
    }
  }

  #isDue(entry: LedgerEntry, nowMs: number): boolean {
    const { suspect, report, reclaimAgainAtMs } = entry;
    if (!report || suspect.socket === undefined || reclaimAgainAtMs > nowMs) return false;
    return this.#parts.tracker.isOverdue(entry, this.#reclaimer.afterMs);
  }

  /** Reads it again: it may have been closed, or have made progress. */
  #isStillDue(entry: LedgerEntry, nowMs: number): boolean {
    const { cookie } = entry.suspect;
    this.#readAgain(cookie);
    return this.#parts.ledger.get(cookie) === entry && this.#isDue(entry, nowMs);
  }

  #reclaim(entry: LedgerEntry, nowMs: number, sharedSockets: () => SharedSockets): void {
    const { ledger, descriptions, decisions, events } = this.#parts;
    if (!this.#isStillDue(entry, nowMs)) return;
    const { suspect, counted } = entry;
    const { cookie } = suspect;
    const facts = descriptions.factsOf(entry);
    const report = descriptions.describe(entry, facts);
    if (!counted || !suspect.socket || !facts || !report) return;
    if (!this.#reclaimer.mayEnd(facts, suspect, report, sharedSockets)) {
      // Asked again after a tenth of its age: a filter that says no to thousands is not asked by thousands each second.
      entry.reclaimAgainAtMs = nowMs + report.ageMs / 10;
      decisions.note(
        cookie,
        'not reclaimed',
        () => 'kind, route, filter, a reader that may go on, or another process forbids it',
      );
      return;
    }
    const { socket } = suspect;
    const isEndable = (): boolean => !this.#parts.isClosed() && isOpen(socket);
    // The filter is the application's: it may have closed the guard, or the socket.
    if (!isEndable()) return;
    // Another process may have answered over it and closed it before it was looked for there. From here on nobody else can.
    // What is read may be told, to listeners that may close either too.
    if (!this.#isStillDue(entry, nowMs) || !isEndable()) return;
    endLeak(this.#binding, socket, cookie, report);
    ledger.delete(cookie);
    decisions.note(cookie, 'reclaimed');
    events.ended(report.ageMs, tracedNow(report));
    events.reclaimed(counted, { ...report, count: ledger.equalCount(report.fingerprint) });
  }
}
