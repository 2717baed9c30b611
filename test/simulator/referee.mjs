import { holdCounts, holdTotals } from './books.mjs';
import { causeSeen, POISON } from './guard.mjs';
import { fail, hold, name, Seat, Sight } from './seats.mjs';

/** Sums of fractions of milliseconds differ in their last bits. */
const ROUNDING_MS = 1e-6;
/** Samples, and turns behind them. */
const MOST_WAITS = 6;
const KINDS = ['', 'close-wait', 'reset', 'stalled'];

/** Holds what a guard does against what the kernel knows. Throws a Violation where the two do not fit. */
export class Referee {
  #kernel;
  #history;
  #table;
  #seats = [];
  #guards = [];
  /** Of this history. */
  leaks = 0;

  constructor(kernel, history, table) {
    this.#kernel = kernel;
    this.#history = history;
    this.#table = table;
  }

  eventsOf(guard) {
    const seat = new Seat(this.#kernel);
    this.#seats[guard.index] = seat;
    this.#guards[guard.index] = guard;
    return {
      counted: (leak) => this.#counted(guard, seat, leak),
      told: (report, js) => this.#told(guard, seat, report, js),
      released: (leak, report) => this.#released(guard, seat, leak, report),
      ended: (ageMs) => hold(ageMs >= 0, () => `a socket ended at the age of ${ageMs} ms`),
      failed: (error) => {
        if (error !== POISON) throw error;
        seat.failures++;
      },
    };
  }

  /** A leak is marked, to be read more rarely. */
  marked(cookie) {
    const isLeak = this.#guards.some((guard) => guard.ledger.get(cookie)?.isLeak);
    hold(isLeak, () => `${name(this.#socket(cookie))} was marked as a leak and no guard has counted it or withheld it`);
  }

  /** One read of some sockets was taken in, and these are due. */
  observed(guard, entries, due) {
    const seat = this.#seats[guard.index];
    if (Math.abs(guard.clock.usableMs - seat.loopMs) > ROUNDING_MS)
      fail(`the loop could act for ${seat.loopMs} ms, and its clock says ${guard.clock.usableMs}`);
    const { timeoutMs } = this.#history;
    for (const entry of entries) {
      const sight = this.#look(guard, seat, entry);
      const isDue = due.includes(entry);
      const isMeant = !entry.isLeak && entry.track.kind !== 'closing';
      if (isDue) {
        hold(isMeant, () => `${name(sight.socket)} is due, and it is ${entry.isLeak ? 'a leak already' : 'closing'}`);
        this.#holdIdle(seat, sight);
      } else if (isMeant && seat.loopMs - sight.surelyIdleFromMs >= timeoutMs + ROUNDING_MS)
        fail(
          `${name(sight.socket)} has made no progress for ${seat.loopMs - sight.surelyIdleFromMs} ms in which the loop could act, and is not due (closeWaitTimeout ${timeoutMs})`,
        );
    }
  }

  /** The end of a sample or of a turn behind it. */
  tookIn(guard) {
    const seat = this.#seats[guard.index];
    const { ledger } = guard;
    let signature = 0;
    let ignored = 0;
    for (const entry of ledger.entries()) {
      const { suspect, countedNow, counted, report } = entry;
      if (entry.ignored) ignored++;
      if (countedNow) signature += Number(suspect.cookie) * 8 + KINDS.indexOf(countedNow.kind);
      if (report && !counted) fail(`socket ${suspect.cookie} has a report and was not counted`);
      const waits = counted && !report && ledger.toldCount < this.#history.maxReported;
      if (waits && guard.tracker.isOverdue(entry)) this.#holdWait(guard, suspect);
    }
    holdCounts(ledger, seat, ignored);
    for (const socket of this.#kernel.sockets)
      if (socket?.isOpen && this.#table.isMarked(socket.cookie)) this.marked(socket.cookie);
    const changed = ledger.takeChanged();
    if (!changed && signature !== seat.signature) fail('the open leaks have changed, and the ledger does not say so');
    seat.signature = signature;
  }

  /** These are due after a second read, and are judged. */
  judges(guard, due) {
    const seat = this.#seats[guard.index];
    seat.judging = due;
    seat.failures = 0;
  }

  judged(guard, due) {
    const seat = this.#seats[guard.index];
    let poisoned = 0;
    for (const entry of due) {
      const { cookie } = entry.suspect;
      const socket = this.#socket(cookie);
      if (entry.ignored && !socket.seen[guard.index].wasIgnored) {
        socket.seen[guard.index].wasIgnored = true;
        hold(
          this.#history.hasRule && socket.cause === 'paused',
          () => `${name(socket)} is withheld, and no rule fits it`,
        );
      }
      if (entry.isLeak)
        hold(guard.ledger.get(cookie) === entry, () => `${name(socket)} is a leak and is not in the ledger`);
      else if (guard.ledger.get(cookie) === entry && (!socket.isGiven || socket.isHolderKnown)) poisoned++;
      if (entry.counted && !entry.report && guard.ledger.toldCount < this.#history.maxReported) poisoned++;
    }
    // One whose facts throw costs itself a turn, and nobody else.
    hold(
      poisoned <= seat.failures,
      () => `${poisoned} sockets are due and neither counted nor told, and the facts of ${seat.failures} threw`,
    );
    this.tookIn(guard);
  }

  /** Nothing has happened for a while. */
  end(guard) {
    for (const { suspect } of guard.ledger.entries()) {
      const socket = this.#socket(suspect.cookie);
      hold(socket.isOpen, () => `${name(socket)} is closed and still in the ledger`);
    }
    holdTotals(guard);
  }

  /** A sample or a turn behind it begins. */
  turnsClock(guard) {
    const seat = this.#seats[guard.index];
    const { nowMs, idleMs } = this.#kernel;
    const [elapsed, idle] = [nowMs - seat.lastNowMs, idleMs - seat.lastIdleMs];
    const isOnTime = elapsed <= this.#history.intervalMs * 1.5 + 50;
    seat.loopBeforeMs = seat.loopMs;
    seat.loopMs += isOnTime ? elapsed : Math.min(elapsed, idle);
    Object.assign(seat, { lastNowMs: nowMs, lastIdleMs: idleMs });
  }

  /** What this read shows of a socket, beside what the tracker makes of it. */
  #look(guard, seat, { suspect, track }) {
    const socket = this.#socket(suspect.cookie);
    const ageMs = guard.tracker.ageMs(track);
    let sight = socket.seen[guard.index];
    if (sight?.track !== track) {
      sight = new Sight(track, socket);
      socket.seen[guard.index] = sight;
      const sinceMs = this.#kernel.nowMs - socket.suspectSinceMs;
      sight.idleFromMs = seat.loopMs - Math.min(seat.loopMs - seat.loopBeforeMs, sinceMs);
      sight.surelyIdleFromMs = seat.loopMs;
      hold(ageMs <= sinceMs + ROUNDING_MS, () => `${name(socket)} is said to be ${ageMs} ms old, and it is ${sinceMs}`);
    } else if (sight.progress !== socket.progress) {
      sight.progress = socket.progress;
      sight.idleFromMs = sight.surelyIdleFromMs = seat.loopMs;
    }
    const idleMs = guard.tracker.idleMs(track);
    if (ageMs < sight.ageMs - ROUNDING_MS)
      fail(`the age of ${name(socket)} has shrunk from ${sight.ageMs} to ${ageMs} ms`);
    if (idleMs < 0 || idleMs > ageMs + ROUNDING_MS)
      fail(`${name(socket)} is said to be idle for ${idleMs} ms at the age of ${ageMs}`);
    sight.ageMs = ageMs;
    return sight;
  }

  #holdIdle(seat, { socket, idleFromMs }) {
    const idleMs = seat.loopMs - idleFromMs;
    hold(
      idleMs >= this.#history.timeoutMs - ROUNDING_MS,
      () =>
        `${name(socket)} is a leak, and it made progress ${idleMs} ms ago (closeWaitTimeout ${this.#history.timeoutMs})`,
    );
  }

  /** There is room for its report, and it stands still: the next sample tells it. */
  #holdWait(guard, { cookie }) {
    const socket = this.#socket(cookie);
    const waits = ++socket.seen[guard.index].waits;
    hold(waits <= MOST_WAITS, () => `${name(socket)} is a leak, and is not told although there is room for its report`);
  }

  #counted(guard, seat, leak) {
    const entry = seat.judging.find(({ counted }) => counted === leak);
    hold(entry, () => 'a leak was counted that was not due');
    const socket = this.#socket(entry.suspect.cookie);
    const sight = socket.seen[guard.index];
    hold(socket.countedBy === undefined && !sight.wasCounted, () => `${name(socket)} was counted twice`);
    this.#holdIdle(seat, sight);
    hold(
      leak.cause === causeSeen(entry.suspect, socket),
      () => `${name(socket)} leaks by ${causeSeen(entry.suspect, socket)}, and ${leak.cause} is counted`,
    );
    socket.countedBy = guard.index;
    sight.wasCounted = true;
    sight.readingsWhenCounted = socket.readings;
    seat.open.set(leak, sight);
    this.leaks++;
  }

  #told(guard, seat, report, js) {
    const socket = this.#socket(report.id);
    const sight = socket.seen[guard.index];
    hold(sight?.wasCounted, () => `${name(socket)} was told, and was not counted`);
    hold(!sight.wasTold, () => `${name(socket)} was told twice`);
    hold(
      seat.told < this.#history.maxReported,
      () => `${name(socket)} was told beyond maxReported (${this.#history.maxReported})`,
    );
    hold(js === undefined || js === socket.js, () => `${name(socket)} was told with the JS socket of another`);
    hold(
      report.fd === (socket.isGiven ? report.fd : socket.fd),
      () => `${name(socket)} has fd ${socket.fd}, and its report ${report.fd}`,
    );
    hold(report.count >= 1, () => `the report of ${name(socket)} is not in its own count`);
    sight.wasTold = true;
    seat.told++;
  }

  #released(guard, seat, leak, report) {
    const sight = seat.open.get(leak);
    hold(sight, () => 'a leak was released that is not open');
    const { socket } = sight;
    // It may have been seen to move by another guard alone, and be half-closed by now.
    const hasMoved = socket.isReadable || socket.readings > sight.readingsWhenCounted;
    hold(
      !socket.isOpen || socket.isGiven || hasMoved,
      () => `${name(socket)} was released, and it is open and has not moved`,
    );
    hold(
      sight.wasTold === (report !== undefined),
      () => `${name(socket)} was ${sight.wasTold ? 'told' : 'not told'}, and its release says otherwise`,
    );
    hold(
      report === undefined || report.ageMs >= Math.floor(sight.ageMs),
      () => `the age of ${name(socket)} has shrunk to ${report?.ageMs} ms when it was released`,
    );
    hold(
      guard.ledger.get(socket.cookie) === undefined,
      () => `${name(socket)} was released and is still in the ledger`,
    );
    seat.open.delete(leak);
    if (sight.wasTold) seat.told--;
    socket.countedBy = undefined;
    socket.seen[guard.index] = undefined;
  }

  #socket(cookie) {
    return this.#kernel.withCookie(cookie);
  }
}
