import type { Progress, SuspectKind } from '../sockets/suspect.js';

/** What the tracker knows of one socket. It belongs to the ledger's entry, and only the tracker changes it. */
export interface Track {
  kind: SuspectKind;
  state: number;
  /** When the peer closed; a lower bound where nothing tells exactly. */
  readonly halfClosedAtMs: number;
  progressAtMs: number;
  /** The same moment on the clock that stands still while the event loop is blocked. */
  progressAtLoopMs: number;
  readBytes: number;
  bufferedBytes: number;
  ackedBytes: number;
  pipedBytes: number;
  pipedCounts: number | undefined;
  drainedBytes: number | undefined;
  /** Its own time-out, where sockets differ; asked for anew after progress. */
  timeoutMs: number | undefined;
}

/** A ledger's entry, as far as the tracker reads and writes it. */
export interface Tracked {
  readonly suspect: { readonly progress: Progress };
  /** Undefined until it was observed. */
  track: Track | undefined;
  /** It has become a leak: it is not due again. */
  readonly isLeak: boolean;
}

/** How long sockets may make no progress, where that is not the same for all. */
export interface TimeOuts<T extends Tracked = Tracked> {
  /** The shortest of all, ms: of a socket that is idle for less nothing is asked. */
  readonly leastMs: number;
  /** That of one socket, ms. */
  of(tracked: T): number;
}

/**
 * Says which half-closed, reset and stalled sockets have made no progress for their time-out while the event loop could
 * act. Pure: it knows only what it is told, and time is an argument.
 */
export class LeakTracker<T extends Tracked = Tracked> {
  readonly #timeOuts: TimeOuts<T>;
  #nowMs = 0;
  #loopMs = 0;
  /** What the loop could use of the time between the last two samples, ms. */
  #usedMs = 0;

  constructor(timeOuts: number | TimeOuts<T>) {
    this.#timeOuts = typeof timeOuts === 'number' ? { leastMs: timeOuts, of: () => timeOuts } : timeOuts;
  }

  /**
   * Moves to the time of a sample. All ages are told as of then.
   *
   * @param loopMs the time in which the event loop could act so far
   */
  advance(nowMs: number, loopMs: number): void {
    // A sample at an earlier time than the last one would let ages shrink.
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#usedMs = Math.max(0, loopMs - this.#loopMs);
    this.#loopMs = Math.max(this.#loopMs, loopMs);
  }

  /**
   * Takes in what this sample read, which need not be every socket there is: counts of bytes only grow, so progress between
   * two reads shows however long they are apart. Returns those that are due: no leaks yet, and idle for the time-out.
   */
  observe(seen: readonly T[]): T[] {
    const { leastMs } = this.#timeOuts;
    return seen.filter((tracked) => {
      const { progress } = tracked.suspect;
      if (tracked.track) this.#update(tracked.track, progress, tracked.isLeak);
      else tracked.track = this.#begin(progress, this.#usedMs);
      return !tracked.isLeak && tracked.track.kind !== 'closing' && this.isOverdue(tracked, 0, leastMs);
    });
  }

  /** Whether it has made no progress for its time-out, and for `moreMs` beyond it. */
  isOverdue(tracked: T, moreMs = 0, leastMs = this.#timeOuts.leastMs): boolean {
    const { track } = tracked;
    const idleMs = track ? this.loopIdleMs(track) : -1;
    if (!track || idleMs < leastMs + moreMs) return false;
    track.timeoutMs ??= this.#timeOuts.of(tracked);
    return idleMs >= track.timeoutMs + moreMs;
  }

  /** As isOverdue(), with its time-out asked for again: what a socket is used for may have changed without progress. */
  isStillOverdue(tracked: T): boolean {
    if (tracked.track) tracked.track.timeoutMs = undefined;
    return this.isOverdue(tracked);
  }

  /** Since the peer closed, ms. */
  ageMs({ halfClosedAtMs }: Pick<Track, 'halfClosedAtMs'>): number {
    return this.#nowMs - halfClosedAtMs;
  }

  /** Since the last progress, ms; never more than the age. */
  idleMs({ progressAtMs }: Track): number {
    return this.#nowMs - progressAtMs;
  }

  /** How much of a socket's idle time the event loop could act in, ms. */
  loopIdleMs({ progressAtLoopMs }: Track): number {
    return this.#loopMs - progressAtLoopMs;
  }

  #begin(progress: Progress, sinceLastMs: number): Track {
    const halfClosedAtMs = halfCloseTime(progress, this.#nowMs);
    // Of the time since the peer closed, only what the loop could use counts; before the last sample nothing was known.
    const usableMs = Math.min(this.#nowMs - halfClosedAtMs, sinceLastMs);
    const { kind, state, readBytes, bufferedBytes, ackedBytes, pipedBytes, pipedCounts, drainedBytes } = progress;
    return {
      kind,
      state,
      halfClosedAtMs,
      readBytes,
      bufferedBytes,
      ackedBytes,
      pipedBytes,
      pipedCounts,
      drainedBytes,
      progressAtMs: halfClosedAtMs,
      progressAtLoopMs: this.#loopMs - usableMs,
      timeoutMs: undefined,
    };
  }

  #update(track: Track, progress: Progress, isLeak: boolean): void {
    const progressed =
      progress.state !== track.state ||
      progress.readBytes > track.readBytes ||
      progress.bufferedBytes < track.bufferedBytes ||
      progress.ackedBytes > track.ackedBytes ||
      progress.pipedBytes < track.pipedBytes ||
      progress.pipedCounts !== track.pipedCounts ||
      (progress.drainedBytes ?? 0) > (track.drainedBytes ?? progress.drainedBytes ?? 0);
    if (progressed) {
      track.progressAtMs = this.#nowMs;
      track.progressAtLoopMs = this.#loopMs;
      track.timeoutMs = undefined;
    }
    // A leak that is closing at last keeps its kind until its fd is gone.
    if (progress.kind !== 'closing' || !isLeak) track.kind = progress.kind;
    track.state = progress.state;
    track.readBytes = progress.readBytes;
    track.bufferedBytes = progress.bufferedBytes;
    track.ackedBytes = progress.ackedBytes;
    track.pipedBytes = progress.pipedBytes;
    track.pipedCounts = progress.pipedCounts;
    track.drainedBytes = progress.drainedBytes;
  }
}

/**
 * When the peer closed. At first sight of CLOSE_WAIT the last ACK is the FIN, or came after it: so the FIN is at least that
 * old, and it is no older than the last sample that found the socket open. A RST leaves no such trace,
 * and behind a full window there is no FIN yet: then it is now.
 */
export function halfCloseTime({ kind, lastAckAgeMs, openAtMs }: Progress, nowMs: number): number {
  if (kind === 'reset' || kind === 'stalled' || lastAckAgeMs < 0) return nowMs;
  return Math.min(nowMs, Math.max(nowMs - lastAckAgeMs, openAtMs));
}
