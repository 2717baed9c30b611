import type { Server } from 'node:net';
import { monotonicMs } from '../base/clock.js';
import { TcpState } from '../base/tcp-states.js';
import { areTwoEnds } from '../kernel/endpoints.js';
import { tracedNow } from '../layers/request-ids.js';
import { diagnose } from '../leaks/diagnosis.js';
import type { Suspect } from '../sockets/suspect.js';
import type { LeakFacts } from './leak-facts.js';
import type { LedgerEntry } from './ledger.js';
import { answersFor, reporterOf } from './reporters.js';
import type { SamplerParts } from './sampler-parts.js';

/** Decides which sockets are this guard's to report, counts and tells of its leaks, and of their end. */
export class LeakTeller {
  readonly #parts: SamplerParts;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
  }

  /** @param answers what this sample has found out already, by server */
  isMine({ cookie, server }: Suspect, answers: Map<Server | undefined, boolean>): boolean {
    const { options, reporter } = this.#parts;
    const reported = options.observer ? undefined : reporterOf(cookie);
    const mine = reported ? reported === reporter : (answers.get(server) ?? this.#answersFor(server));
    if (!reported) answers.set(server, mine);
    // Another guard may have begun to watch its server before it became a leak.
    if (!mine) {
      this.#parts.decisions.note(
        cookie,
        'belongs elsewhere',
        () => 'another guard of this thread, or none, answers for its server',
      );
      this.#parts.ledger.delete(cookie);
    }
    return mine;
  }

  #answersFor(server: Server | undefined): boolean {
    const { options, reporter } = this.#parts;
    if (!options.observer) return answersFor(server) === reporter;
    return options.scope === 'process' || (server !== undefined && reporter.watches(server));
  }

  /** Counts and tells of the leaks among those that are due, for so long; returns those that are left. */
  leak(due: readonly LedgerEntry[], forMs: number): readonly LedgerEntry[] {
    const until = monotonicMs() + forMs;
    for (const [i, entry] of due.entries()) {
      if (this.#parts.isClosed()) return [];
      if (monotonicMs() > until) return due.slice(i);
      try {
        const facts = this.#count(entry);
        if (facts) this.#tell(entry, facts);
      } catch (error) {
        // It stays due, and the next sample tries again; the others are not held up.
        this.#parts.events.failed(error);
      }
    }
    return [];
  }

  /** Returns what it has found out of a new leak: its report is made of it when there is room. */
  #count(entry: LedgerEntry): LeakFacts | undefined {
    const { ledger, table, events, descriptions } = this.#parts;
    const { cookie } = entry.suspect;
    if (entry.isLeak || ledger.get(cookie) !== entry || this.#isAnsweredElsewhere(entry)) return undefined;
    if (this.#otherEndWaits(entry)) return undefined;
    // Whatever it serves now may have longer.
    if (!this.#parts.tracker.isStillOverdue(entry)) return undefined;
    const facts = descriptions.factsOf(entry);
    if (!facts || this.#isIgnored(entry, facts)) return undefined;
    const { kind, side, routeLabel: route, method, server, endpoints } = facts;
    const { remoteAddress, localPort } = endpoints;
    const host =
      side === 'outbound' ? (table.destinations.hostOf(entry.suspect.endpoints) ?? remoteAddress) : undefined;
    const counted = {
      kind,
      cause: diagnose(facts),
      side,
      route,
      method,
      server,
      host,
      remoteAddress,
      localPort,
      traced: tracedNow(facts.ids),
    };
    ledger.count(entry, counted);
    table.markLeak(cookie);
    events.counted(counted);
    return facts;
  }

  /** Where a rule of `ignore` has ended, what it kept back is due again. */
  judgeIgnored(): void {
    if (this.#parts.rules.takeEnded()) this.#parts.ledger.judgeIgnoredAnew();
  }

  #isIgnored(entry: LedgerEntry, facts: LeakFacts): boolean {
    const { rules, descriptions, ledger, table, decisions } = this.#parts;
    if (rules.none) return false;
    const report = descriptions.describe(entry, facts);
    if (!report || !rules.has(report)) return false;
    ledger.ignore(entry);
    table.markLeak(entry.suspect.cookie);
    decisions.note(entry.suspect.cookie, 'withheld', () => 'a rule of ignore fits it');
    return true;
  }

  /**
   * Tells of leaks that had to wait for room, when they are still idle. One that moves when there is room is told once it stands
   * still again: so each sample asks.
   */
  tellWaiting(): void {
    const { ledger, options, events } = this.#parts;
    if (ledger.untoldCount === 0 || ledger.toldCount >= options.maxReported) return;
    for (const entry of ledger.entries()) {
      if (!entry.counted || entry.report) continue;
      try {
        this.#tell(entry);
      } catch (error) {
        // It waits on; the others are not held up.
        events.failed(error);
      }
    }
  }

  #tell(entry: LedgerEntry, facts?: LeakFacts): void {
    const { ledger, tracker, options, descriptions, decisions, events } = this.#parts;
    const { cookie } = entry.suspect;
    if (this.#parts.isClosed()) return;
    if (ledger.toldCount >= options.maxReported) {
      decisions.note(cookie, 'withheld', () => `maxReported (${options.maxReported}) leaks are open`);
      return;
    }
    if (!tracker.isOverdue(entry)) return;
    const described = descriptions.describe(entry, facts);
    if (!described) return;
    const report = ledger.tell(entry, described);
    decisions.note(cookie, 'reported', () => report.explanation);
    events.told(report, entry.suspect.socket);
  }

  /**
   * Of a connection of this process to itself, the client's end that has ended its sending and reads nothing is not reported
   * beside the server's, which has the FIN and cannot get rid of its bytes: that is one leak.
   */
  #otherEndWaits({ suspect }: LedgerEntry): boolean {
    const { ledger, decisions, binding } = this.#parts;
    const { kind, state } = suspect.progress;
    if (suspect.side !== 'outbound' || kind !== 'stalled' || state === TcpState.ESTABLISHED) return false;
    for (const { suspect: other } of ledger.entries()) {
      if (other.progress.state !== TcpState.CLOSE_WAIT && other.progress.state !== TcpState.LAST_ACK) continue;
      if (!areTwoEnds(binding, suspect.endpoints, other.endpoints)) continue;
      decisions.note(suspect.cookie, 'withheld', () => `the other end, socket ${other.cookie}, is in this process`);
      return true;
    }
    return false;
  }

  /** A half-closed socket is closed, leak or not. */
  end(cookie: bigint): void {
    const { ledger, tracker, decisions, events } = this.#parts;
    const entry = ledger.delete(cookie);
    decisions.note(cookie, 'closed', () => 'or no longer stalled');
    if (!entry?.track || this.#parts.isClosed()) return;
    const ageMs = tracker.ageMs(entry.track);
    const { counted, report } = entry;
    events.ended(ageMs, tracedNow(report));
    const count = ledger.equalCount(entry.fingerprint ?? '');
    if (counted) events.released(counted, report && { ...report, ageMs: Math.round(ageMs), count });
  }

  /** A socket that no JS socket of this thread owns may have a guard of its own, in another thread or process. */
  #isAnsweredElsewhere(entry: LedgerEntry): boolean {
    const { suspect } = entry;
    if (!suspect.unowned) return false;
    const holder = this.#parts.table.holders.lookUp(suspect.cookie, suspect.foreignInode);
    // Not known yet: it stays due and is asked about again in the next sample.
    if (holder.answer === 'not-yet') {
      this.#parts.decisions.note(suspect.cookie, 'withheld', () => 'it is not known yet which process holds it');
      return true;
    }
    if (holder.answer === 'here-or-nowhere') {
      entry.holder = holder.holder;
      return false;
    }
    this.#parts.decisions.note(
      suspect.cookie,
      'belongs elsewhere',
      () => 'a guard of another thread or process answers for it',
    );
    this.#parts.table.answeredElsewhere(suspect);
    this.#parts.ledger.delete(suspect.cookie);
    return true;
  }
}
