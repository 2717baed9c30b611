import type { Socket } from 'node:net';
import { monotonicMs } from '../base/clock.js';
import type { NativeBinding } from '../kernel/native.js';
import { SharedSockets } from '../kernel/shared-sockets.js';
import { isOpen } from '../layers/node-internals.js';
import type { LeakReport } from '../leaks/report.js';
import type { LeakTeller } from './leak-teller.js';
import { endLeak, type Reclaimer } from './reclaim.js';
import type { SamplerParts } from './sampler-parts.js';

/** What one sample may spend on reclaiming, ms; the rest goes on in the next. */
const SLICE_MS = 4;

/** Ends the leaks that are to be ended. */
export class ReclaimRounds {
  readonly #binding: NativeBinding;
  readonly #reclaimer: Reclaimer;
  readonly #parts: SamplerParts;
  readonly #teller: LeakTeller;
  /** Reads one socket again: what was read some time ago may have made progress since. */
  readonly #readAgain: (id: bigint) => void;

  constructor(
    binding: NativeBinding,
    reclaimer: Reclaimer,
    parts: SamplerParts,
    teller: LeakTeller,
    readAgain: (id: bigint) => void,
  ) {
    this.#binding = binding;
    this.#reclaimer = reclaimer;
    this.#parts = parts;
    this.#teller = teller;
    this.#readAgain = readAgain;
  }

  /** Ends those that are due now. */
  run(): void {
    const nowMs = monotonicMs();
    // Who else has them is looked up once for all.
    let shared: SharedSockets | undefined;
    const sharedSockets = (): SharedSockets => (shared ??= new SharedSockets());
    for (const id of this.#parts.ledger.told()) {
      if (this.#parts.isClosed() || monotonicMs() > nowMs + SLICE_MS) return;
      if (this.#isDue(id, nowMs)) this.#reclaim(id, nowMs, sharedSockets);
    }
  }

  #isDue(id: bigint, nowMs: number): boolean {
    const { ledger, tracker, options } = this.#parts;
    const entry = ledger.get(id);
    if (entry?.departed.socket === undefined || entry.reclaimAgainAtMs > nowMs) return false;
    return tracker.ableIdleMs(id) >= options.closeWaitTimeout + this.#reclaimer.afterMs;
  }

  #reclaim(id: bigint, nowMs: number, sharedSockets: () => SharedSockets): void {
    const { ledger, descriptions, events } = this.#parts;
    this.#readAgain(id);
    if (!this.#isDue(id, nowMs)) return;
    const entry = ledger.get(id);
    const socket = entry?.departed.socket;
    const facts = descriptions.factsOf(id);
    const report = descriptions.describe(id, facts);
    if (!entry?.counted || !socket || !facts || !report) return;
    if (!this.#reclaimer.mayEnd(facts, entry.departed, report, sharedSockets)) {
      // Asked again after a tenth of its age: a filter that says no to thousands is not asked by thousands each second.
      entry.reclaimAgainAtMs = nowMs + report.ageMs / 10;
      return;
    }
    // The filter is the application's: it may have closed the guard, or the socket.
    if (this.#parts.isClosed() || !isOpen(socket)) return;
    this.#end(id, socket, report);
    events.ended(report.ageMs);
    events.reclaimed(entry.counted, report);
  }

  #end(id: bigint, socket: Socket, report: LeakReport): void {
    endLeak(this.#binding, socket, id, report);
    this.#teller.forget(id);
  }
}
