import { debuglog } from 'node:util';
import type { LeakTracker } from '../leaks/tracker.js';
import type { LedgerEntry } from './ledger.js';

/** What a guard decided about one socket, in the order in which it may happen. */
export type Decision =
  /** A sample found it half-closed, reset or stalled, and this guard answers for it. */
  | 'adopted'
  /** Another guard, thread or process answers for it. */
  | 'belongs elsewhere'
  | 'progress'
  /** No progress for `closeWaitTimeout`; it is read again before it is reported. */
  | 'due'
  /** A leak, and not told (yet). */
  | 'withheld'
  | 'reported'
  | 'not reclaimed'
  | 'reclaimed'
  | 'closed';

/** Bounds what is remembered of sockets that belong elsewhere, of whose end this guard does not hear. */
const MAX_REMEMBERED = 10_000;

const debug = debuglog('close-wait-guard');
let guards = 0;

/**
 * `NODE_DEBUG=close-wait-guard`: one line a decision on stderr, so that "why is this socket not reported" has an answer. A
 * decision that stays the same from sample to sample is one line.
 */
export class Decisions {
  readonly #guard = ++guards;
  readonly #last = new Map<bigint, Decision>();

  /** @param why is asked only where the line is written */
  note(cookie: bigint, decision: Decision, why: () => string = () => ''): void {
    if (!debug.enabled) return;
    const last = this.#last.get(cookie);
    // What is withheld stays due.
    if (last === decision || (last === 'withheld' && decision === 'due')) return;
    if (decision === 'closed') this.#last.delete(cookie);
    else {
      if (this.#last.size >= MAX_REMEMBERED) this.#last.clear();
      this.#last.set(cookie, decision);
    }
    const reason = why();
    debug('guard %d, socket %s: %s%s', this.#guard, String(cookie), decision, reason && `, ${reason}`);
  }

  /** What a sample has read that is no leak yet, and what of it is due. */
  noteSample(read: readonly LedgerEntry[], due: readonly LedgerEntry[], tracker: LeakTracker<LedgerEntry>): void {
    if (!debug.enabled) return;
    for (const { suspect, track, isLeak } of read) {
      if (!track || isLeak) continue;
      const { cookie, fd, side } = suspect;
      if (!this.#last.has(cookie)) this.note(cookie, 'adopted', () => `fd ${fd}, ${side}, ${track.kind}`);
      else if (tracker.idleMs(track) === 0) this.note(cookie, 'progress');
    }
    for (const { suspect, track } of due)
      this.note(suspect.cookie, 'due', () => `idle for ${track ? Math.round(tracker.idleMs(track)) : 0} ms`);
  }
}
