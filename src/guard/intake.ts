import type { Server } from 'node:net';
import type { LoopClock } from '../leaks/loop-clock.js';
import type { LeakTracker } from '../leaks/tracker.js';
import type { Suspect } from '../sockets/suspect.js';
import type { Decisions } from './decisions.js';
import type { LeakTeller } from './leak-teller.js';
import type { Ledger, LedgerEntry } from './ledger.js';

interface IntakeParts {
  readonly clock: LoopClock;
  readonly tracker: LeakTracker<LedgerEntry>;
  readonly ledger: Ledger;
  readonly teller: LeakTeller;
  readonly decisions: Pick<Decisions, 'noteSample'>;
  /** Marks a socket that this guard knows as a leak, to be read more rarely. */
  readonly markLeak: (cookie: bigint) => void;
  /** The cookies of the sockets that are half-closed no more, since it was last asked. */
  readonly takeClosed: () => readonly bigint[];
}

/** Takes in what was read of sockets, in the one order that is right: the time, what has ended, and what is there now. */
export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /**
   * Tells of what is closed, and returns which of those that were read are this guard's and which of these are due.
   *
   * @param idleMs for how long the event loop has waited for events so far
   */
  take(read: readonly Suspect[], nowMs: number, idleMs: number): { mine: LedgerEntry[]; due: LedgerEntry[] } {
    const { clock, tracker, ledger, teller, decisions, markLeak, takeClosed } = this.#parts;
    tracker.advance(nowMs, clock.advance(nowMs, idleMs));
    // Ends come first: what another guard's sample saw move on, and is half-closed again by now, is another leak, if it is one.
    for (const cookie of takeClosed()) teller.end(cookie);
    teller.judgeIgnored();
    const answers = new Map<Server | undefined, boolean>();
    const mine = read.flatMap((suspect) => (teller.isMine(suspect, answers) ? ledger.record(suspect) : []));
    for (const { isLeak, suspect } of mine) if (isLeak) markLeak(suspect.cookie);
    const due = tracker.observe(mine);
    for (const entry of mine) ledger.total(entry);
    decisions.noteSample(mine, due, tracker);
    teller.tellWaiting();
    return { mine, due };
  }
}
