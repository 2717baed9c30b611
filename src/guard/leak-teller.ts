import type { Server } from 'node:net';
import { monotonicMs } from '../base/clock.js';
import type { Departed } from '../layers/facts.js';
import { diagnose } from '../leaks/diagnosis.js';
import type { TrackedSocket } from '../leaks/tracker.js';
import type { LeakFacts } from './leak-facts.js';
import type { LedgerEntry } from './ledger.js';
import { answersFor, noteGone, noteReported, reporterOf } from './reporters.js';
import type { SamplerParts } from './sampler-parts.js';

/** Decides which sockets are this guard's to report, counts and tells of its leaks, and of their end. */
export class LeakTeller {
  readonly #parts: SamplerParts;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
  }

  /** @param answers what this sample has found out already, by server */
  isMine({ cookie, server }: Departed, answers: Map<Server | undefined, boolean>): boolean {
    const { options, claimant } = this.#parts;
    const reporter = options.observer ? undefined : reporterOf(cookie);
    const mine = reporter ? reporter === claimant : (answers.get(server) ?? this.#answersFor(server));
    if (!reporter) answers.set(server, mine);
    // Another guard may have begun to watch its server before it became a leak.
    if (!mine) this.drop(cookie);
    return mine;
  }

  #answersFor(server: Server | undefined): boolean {
    if (!this.#parts.options.observer) return answersFor(server) === this.#parts.claimant;
    return this.#parts.options.scope === 'process' || (server !== undefined && this.#parts.claimant.watches(server));
  }

  /** Counts and tells of the leaks among those that are due, for so long; returns those that are left. */
  leak(due: readonly bigint[], forMs: number): readonly bigint[] {
    const until = monotonicMs() + forMs;
    for (const [i, id] of due.entries()) {
      if (this.#parts.isClosed()) return [];
      if (monotonicMs() > until) return due.slice(i);
      try {
        const facts = this.#count(id);
        this.#tellWhatFits(id, facts);
      } catch (error) {
        // It stays due, and the next sample tries again; the others are not held up.
        this.#parts.events.failed(error);
      }
    }
    return [];
  }

  /** Returns what it has found out of a new leak, which is what its report is made of when there is room. */
  #count(id: bigint): LeakFacts | undefined {
    const entry = this.#parts.ledger.get(id);
    if (!entry || entry.counted || this.#isAnsweredElsewhere(id, entry)) return undefined;
    const facts = this.#parts.descriptions.factsOf(id);
    if (!facts) return undefined;
    const { kind, side, routeLabel: route, endpoints } = facts;
    const { remoteAddress, localPort } = endpoints;
    const counted = { kind, cause: diagnose(facts), side, route, remoteAddress, localPort };
    this.#parts.ledger.count(id, counted);
    this.#parts.tracker.markLeaked(id);
    this.#parts.table.markKnown(id);
    if (!this.#parts.options.observer) noteReported(id, this.#parts.claimant);
    this.#parts.events.counted(counted);
    return facts;
  }

  /** Leaks that wait for room are told when they are still idle. */
  #tellWhatFits(newest?: bigint, itsFacts?: LeakFacts): void {
    for (const id of this.#parts.ledger.untold()) {
      if (this.#parts.isClosed() || this.#parts.ledger.toldCount >= this.#parts.options.maxReported) return;
      const entry = this.#parts.ledger.get(id);
      if (!entry || this.#parts.tracker.ableIdleMs(id) < this.#parts.options.closeWaitTimeout) continue;
      const report = this.#parts.descriptions.describe(id, id === newest ? itsFacts : undefined);
      if (!report) continue;
      this.#parts.ledger.tell(id, report);
      this.#parts.events.told(report, entry.departed.socket);
    }
  }

  end({ id, ageMs }: TrackedSocket): void {
    const entry = this.#parts.ledger.get(id);
    this.#parts.ledger.delete(id);
    if (!this.#parts.options.observer) noteGone(id, this.#parts.claimant);
    this.#parts.events.ended(ageMs);
    if (!entry?.counted) return;
    const { counted, report } = entry;
    this.#parts.events.released(counted, report && { ...report, ageMs: Math.round(ageMs) });
    this.#tellWhatFits();
  }

  /** A socket that no JS socket of this thread owns may have a guard of its own, in another thread or process. */
  #isAnsweredElsewhere(id: bigint, entry: LedgerEntry): boolean {
    const { departed } = entry;
    if (departed.side !== 'unknown') return false;
    const holder = this.#parts.table.holders.lookUp(id, departed.foreignInode);
    // Not known yet: it stays due and is asked about again in the next sample.
    if (holder.answer === 'not-yet') return true;
    if (holder.answer === 'here-or-nowhere') {
      entry.holder = holder.pid;
      return false;
    }
    this.#parts.table.leave(departed);
    this.forget(id);
    return true;
  }

  forget(id: bigint): void {
    this.drop(id);
    if (!this.#parts.options.observer) noteGone(id, this.#parts.claimant);
  }

  drop(id: bigint): void {
    this.#parts.tracker.forget(id);
    this.#parts.ledger.delete(id);
  }
}
