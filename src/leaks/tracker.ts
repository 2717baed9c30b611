import type { LeakKind } from '../base/vocabulary.js';

/** What one look says of one socket whose peer has left. Times in ms, all on one clock. */
export interface Sighting {
  readonly id: bigint;
  /** `closing` while the kernel finishes the close (LAST_ACK, CLOSING): not a leak, and not gone yet. */
  readonly kind: LeakKind | 'closing';
  /** The TCP state, of which any change is progress. */
  readonly state: number;
  /** Bytes this process has taken from the kernel so far. */
  readonly readBytes: number;
  /** Bytes that wait in the streams; falls when the application reads. */
  readonly bufferedBytes: number;
  /** Bytes the peer has acknowledged so far. */
  readonly ackedBytes: number;
  /** `tcpi_last_ack_recv`: time since the last ACK. A FIN sets it, a later ACK sets it again. -1 when not known. */
  readonly lastAckAgeMs: number;
  /** When the socket was last known to be open; 0 when it never was seen so. */
  readonly openAtMs: number;
}

export interface TrackedSocket {
  readonly id: bigint;
  readonly kind: LeakKind | 'closing';
  /** Since the peer left. */
  readonly ageMs: number;
  /** Since the last progress; never more than ageMs. */
  readonly idleMs: number;
  /** It was marked as a leak. */
  readonly leaked: boolean;
}

export interface Verdict {
  /** Of those read in this sample: what has made no progress for the time-out and is not marked as a leak. */
  readonly due: readonly TrackedSocket[];
  /** Closed since the last time, leak or not. */
  readonly ended: readonly TrackedSocket[];
}

interface Track {
  readonly id: bigint;
  kind: LeakKind | 'closing';
  state: number;
  readonly leftAtMs: number;
  progressAtMs: number;
  /** The same moment on the clock that stands still while the event loop is blocked. */
  progressAtAbleMs: number;
  readBytes: number;
  bufferedBytes: number;
  ackedBytes: number;
  leaked: boolean;
}

/**
 * Follows the sockets whose peer has left and says which of them have made no progress for `closeWaitTimeout` while the
 * event loop was able to act. Pure: it knows only what it is told, and time is an argument.
 */
export class LeakTracker {
  readonly #timeoutMs: number;
  readonly #tracks = new Map<bigint, Track>();
  #nowMs = 0;
  #ableMs = 0;

  constructor(closeWaitTimeoutMs: number) {
    this.#timeoutMs = closeWaitTimeoutMs;
  }

  /**
   * Takes in what one sample read, which need not be every socket there is: counts of bytes only grow, so progress between
   * two reads shows however long they are apart. `closed` are the ids that are gone since the last sample.
   */
  observe(seen: readonly Sighting[], closed: readonly bigint[], nowMs: number, ableMs: number): Verdict {
    // A sample at an earlier time than the last one would let ages shrink.
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const sinceLastLookMs = Math.max(0, ableMs - this.#ableMs);
    this.#ableMs = Math.max(this.#ableMs, ableMs);
    const ended = closed.flatMap((id) => {
      const track = this.#tracks.get(id);
      this.#tracks.delete(id);
      return track ? [this.#view(track)] : [];
    });
    const due = seen.flatMap((sighting) => {
      const track = this.#takeIn(sighting, sinceLastLookMs);
      return !track.leaked && this.#isDue(track) ? [this.#view(track)] : [];
    });
    return { due, ended };
  }

  /** Says that a socket that was due counts as a leak from now on: it is not due again. */
  markLeaked(id: bigint): void {
    const track = this.#tracks.get(id);
    if (track) track.leaked = true;
  }

  has(id: bigint): boolean {
    return this.#tracks.has(id);
  }

  get(id: bigint): TrackedSocket | undefined {
    const track = this.#tracks.get(id);
    return track && this.#view(track);
  }

  /** Since the peer left, ms; 0 for one that is not tracked. */
  ageMs(id: bigint): number {
    const track = this.#tracks.get(id);
    return track ? this.#nowMs - track.leftAtMs : 0;
  }

  /** How much of a socket's idle time the event loop was able to act in; 0 for one that is not tracked. */
  ableIdleMs(id: bigint): number {
    const track = this.#tracks.get(id);
    return track ? this.#ableMs - track.progressAtAbleMs : 0;
  }

  /** Drops a socket without a word: somebody else answers for it. */
  forget(id: bigint): void {
    this.#tracks.delete(id);
  }

  #isDue(track: Track): boolean {
    return track.kind !== 'closing' && this.#ableMs - track.progressAtAbleMs >= this.#timeoutMs;
  }

  #takeIn(sighting: Sighting, sinceLastLookMs: number): Track {
    const known = this.#tracks.get(sighting.id);
    if (known) {
      this.#update(known, sighting);
      return known;
    }
    const track = this.#first(sighting, sinceLastLookMs);
    this.#tracks.set(sighting.id, track);
    return track;
  }

  #first(sighting: Sighting, sinceLastLookMs: number): Track {
    const leftAtMs = departureTime(sighting, this.#nowMs);
    // Of the time since the peer left, only what the loop could use counts; before the last look nothing was known.
    const usableMs = Math.min(this.#nowMs - leftAtMs, sinceLastLookMs);
    return {
      id: sighting.id,
      kind: sighting.kind,
      state: sighting.state,
      leftAtMs,
      progressAtMs: leftAtMs,
      progressAtAbleMs: this.#ableMs - usableMs,
      readBytes: sighting.readBytes,
      bufferedBytes: sighting.bufferedBytes,
      ackedBytes: sighting.ackedBytes,
      leaked: false,
    };
  }

  #update(track: Track, sighting: Sighting): void {
    const progressed =
      sighting.state !== track.state ||
      sighting.readBytes > track.readBytes ||
      sighting.bufferedBytes < track.bufferedBytes ||
      sighting.ackedBytes > track.ackedBytes;
    if (progressed) {
      track.progressAtMs = this.#nowMs;
      track.progressAtAbleMs = this.#ableMs;
    }
    // A leak that is closing at last keeps its kind until its fd is gone.
    if (sighting.kind !== 'closing' || !track.leaked) track.kind = sighting.kind;
    track.state = sighting.state;
    track.readBytes = sighting.readBytes;
    track.bufferedBytes = sighting.bufferedBytes;
    track.ackedBytes = sighting.ackedBytes;
  }

  #view(track: Track): TrackedSocket {
    return {
      id: track.id,
      kind: track.kind,
      ageMs: this.#nowMs - track.leftAtMs,
      idleMs: this.#nowMs - track.progressAtMs,
      leaked: track.leaked,
    };
  }
}

/**
 * When the peer left. At first sight of CLOSE_WAIT the last ACK is the FIN, or came after it: so the FIN is at least that
 * old, and it is no older than the last look that found the socket open. A RST leaves no such trace,
 * and behind a full window there is no FIN yet: then it is now.
 */
export function departureTime({ kind, lastAckAgeMs, openAtMs }: Sighting, nowMs: number): number {
  if (kind === 'reset' || kind === 'stalled' || lastAckAgeMs < 0) return nowMs;
  return Math.min(nowMs, Math.max(nowMs - lastAckAgeMs, openAtMs));
}
