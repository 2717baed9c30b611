import type { LeakKind } from './report.js';

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
  /** It is a leak and has been reported as one. */
  readonly reported: boolean;
}

export interface Verdict {
  /** Became leaks in this look. */
  readonly leaked: readonly TrackedSocket[];
  /** Reported leaks that are closed now. */
  readonly released: readonly TrackedSocket[];
  /** Everything that is closed now, leak or not; `released` is a part of it. */
  readonly ended: readonly TrackedSocket[];
  /** Would be leaks but for the limit on reports. */
  readonly withheld: number;
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
  reported: boolean;
}

/**
 * Follows the sockets whose peer has left and says which of them are leaks: no progress for `closeWaitTimeout` while the
 * event loop was able to act. Pure: it knows only what it is told, and time is an argument.
 */
export class LeakTracker {
  readonly #timeoutMs: number;
  readonly #maxReported: number;
  readonly #tracks = new Map<bigint, Track>();
  #reported = 0;
  #nowMs = 0;
  #ableMs = 0;

  constructor(closeWaitTimeoutMs: number, maxReported: number) {
    this.#timeoutMs = closeWaitTimeoutMs;
    this.#maxReported = maxReported;
  }

  /**
   * Takes one look at all sockets there are. One that was in an earlier look and is not in this one is closed.
   * `mayReport` has the last word on a socket that is about to become a leak; one it refuses is asked about again.
   */
  observe(
    sightings: readonly Sighting[],
    nowMs: number,
    ableMs: number,
    mayReport: (id: bigint) => boolean = () => true,
  ): Verdict {
    // A look at an earlier time than the last one would let ages shrink.
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const sinceLastLookMs = Math.max(0, ableMs - this.#ableMs);
    this.#ableMs = Math.max(this.#ableMs, ableMs);
    const seen = new Set<bigint>();
    for (const sighting of sightings) {
      seen.add(sighting.id);
      const track = this.#tracks.get(sighting.id);
      if (track) this.#update(track, sighting);
      else this.#tracks.set(sighting.id, this.#first(sighting, sinceLastLookMs));
    }
    const ended: TrackedSocket[] = [];
    for (const track of this.#tracks.values()) {
      if (seen.has(track.id)) continue;
      this.#tracks.delete(track.id);
      if (track.reported) this.#reported--;
      ended.push(this.#view(track));
    }
    const leaked: TrackedSocket[] = [];
    let withheld = 0;
    for (const track of this.#tracks.values()) {
      if (track.reported || !this.#isDue(track)) continue;
      if (this.#reported >= this.#maxReported) withheld++;
      else if (mayReport(track.id)) {
        track.reported = true;
        this.#reported++;
        leaked.push(this.#view(track));
      }
    }
    return { leaked, ended, released: ended.filter(({ reported }) => reported), withheld };
  }

  has(id: bigint): boolean {
    return this.#tracks.has(id);
  }

  get(id: bigint): TrackedSocket | undefined {
    const track = this.#tracks.get(id);
    return track && this.#view(track);
  }

  /** How much of a socket's idle time the event loop was able to act in; 0 for one that is not tracked. */
  ableIdleMs(id: bigint): number {
    const track = this.#tracks.get(id);
    return track ? this.#ableMs - track.progressAtAbleMs : 0;
  }

  /** Drops a socket without a word: somebody else answers for it. */
  forget(id: bigint): void {
    if (this.#tracks.get(id)?.reported) this.#reported--;
    this.#tracks.delete(id);
  }

  #isDue(track: Track): boolean {
    return track.kind !== 'closing' && this.#ableMs - track.progressAtAbleMs >= this.#timeoutMs;
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
      reported: false,
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
    // A reported leak that is closing at last keeps its kind until its fd is gone.
    if (sighting.kind !== 'closing' || !track.reported) track.kind = sighting.kind;
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
      reported: track.reported,
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
