/** What did not hold, in one sentence. */
export class Violation extends Error {}

/** What the referee knows of one guard. */
export class Seat {
  lastNowMs;
  lastIdleMs;
  /** In which the event loop could act, and the same at the sample before. */
  loopMs = 0;
  loopBeforeMs = 0;
  /** Leaks that were counted, by what they are counted under. */
  open = new Map();
  told = 0;
  /** Of the sockets that are judged now. */
  judging = [];
  failures = 0;
  signature = 0;

  constructor({ nowMs, idleMs }) {
    this.lastNowMs = nowMs;
    this.lastIdleMs = idleMs;
  }
}

/** What the referee has seen of one socket in one guard, for as long as the guard's entry for it lasts. */
export class Sight {
  /** No leak before this and a time-out, on the clock of the able event loop. */
  idleFromMs;
  /** Due from this and a time-out on. */
  surelyIdleFromMs;
  ageMs = 0;
  wasCounted = false;
  readingsWhenCounted = 0;
  wasTold = false;
  wasIgnored = false;
  /** How often there was room for its report. */
  waits = 0;

  constructor(track, socket) {
    this.track = track;
    this.socket = socket;
    this.progress = socket.progress;
  }
}

/** @param sentence what is wrong; asked only then */
export function hold(isSo, sentence) {
  if (!isSo) fail(sentence());
}

export function fail(sentence) {
  throw new Violation(sentence);
}

export const name = ({ cookie, slot, fd }) => `connection ${cookie} (socket ${slot}, fd ${fd})`;
