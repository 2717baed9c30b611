import { clearInterval, setInterval } from 'node:timers';
import { monotonicMs } from '../../base/clock.js';
import { dropSharedState, isInUse } from '../../base/shared-state.js';
import { createVisitor } from '../../guard/observer.js';
import type { Guard } from '../../guard/types.js';
import { divertWarnings } from '../../guard/warnings.js';
import { loadBinding } from '../../kernel/loader.js';
import type { LeakReport } from '../../leaks/report.js';
import { Door, type DoorOptions } from './door.js';
import { sweepNotes } from './sweep.js';

/** What whoever looks in asks for. */
export interface VisitOptions extends DoorOptions {
  /** As the guard's `closeWaitTimeout`, ms. */
  readonly timeoutMs: number;
  /** Without a word from outside for so long, the visit ends by itself, ms. */
  readonly silenceMs: number;
}

/** What has happened since the last beat; plain data. */
export interface Beat {
  readonly events: readonly VisitEvent[];
  /** Every socket that was there at the beginning has been watched for the time-out, as far as the event loop could act. */
  readonly settled: boolean;
  /** Events that were lost because nobody took them. */
  readonly lost: number;
  /** What the guard has to say of itself, each sentence once. */
  readonly warnings: readonly string[];
}

/** How things are at this moment; plain data. */
export interface Counts {
  /** TCP connections of this thread that are watched. */
  readonly watched: number;
  /** Half-closed ones, leaks or not yet. */
  readonly halfClosed: number;
  readonly leaks: number;
  /** Leaks beyond the 1,000 that have a report of their own. */
  readonly unreported: number;
}

export interface VisitEvent {
  readonly event: 'leak' | 'released';
  readonly leak: LeakReport;
}

/** How often the sockets are read in one time-out. */
const SAMPLES = 8;
const LEAST_INTERVAL_MS = 10;
const MOST_INTERVAL_MS = 1_000;
/** A leak is due at the first sample after its time-out, and told one turn later. */
const SAMPLES_AFTER = 2;
/** More events than that have no reader, and the oldest go. */
const MAX_EVENTS = 2_000;

/**
 * A guard in a process that did not ask for one, for as long as somebody outside listens. What it needs is taken back at
 * the end: the guard with its channels, listeners and timers, the notes on sockets, the way in.
 */
export class Visit {
  readonly #guard: Guard;
  readonly #door: Door;
  readonly #wasInUse: boolean;
  readonly #timer: NodeJS.Timeout;
  readonly #samplesNeeded: number;
  readonly #silenceMs: number;
  readonly #onEnd: () => void;
  #samples = 0;
  #heardAtMs = monotonicMs();
  #events: VisitEvent[] = [];
  #warnings: string[] = [];
  #lost = 0;
  #ended = false;

  /**
   * @param onEnd is called when all is taken back but what Node keeps of the modules
   * @throws Error where no guard can work here; then nothing is left behind
   */
  constructor(options: VisitOptions, onEnd: () => void) {
    const { timeoutMs, silenceMs } = options;
    this.#onEnd = onEnd;
    this.#silenceMs = silenceMs;
    this.#wasInUse = isInUse();
    const loaded = loadBinding();
    if (!loaded.binding) throw new Error(loaded.reason);
    divertWarnings((message) => this.#warnings.push(message));
    const intervalMs = Math.min(Math.max(Math.floor(timeoutMs / SAMPLES), LEAST_INTERVAL_MS), MOST_INTERVAL_MS);
    this.#samplesNeeded = Math.ceil(timeoutMs / intervalMs) + SAMPLES_AFTER;
    this.#guard = createVisitor({ closeWaitTimeout: timeoutMs, sampleInterval: intervalMs, traceRequests: false });
    if (!this.#guard.supported) {
      const reason = this.#guard.stats().unsupportedReason ?? 'it does not say why';
      this.#takeBack();
      throw new Error(reason);
    }
    this.#door = new Door(loaded.binding, options, () => this.#leave(false));
    this.#guard.on('leak', (leak) => this.#note({ event: 'leak', leak }));
    this.#guard.on('released', (leak) => this.#note({ event: 'released', leak }));
    this.#timer = setInterval(() => this.#tick(), intervalMs).unref();
  }

  /** Says that somebody still listens, and what they have missed. */
  beat(): Beat {
    this.#heardAtMs = monotonicMs();
    const [events, warnings, lost] = [this.#events, this.#warnings, this.#lost];
    this.#events = [];
    this.#warnings = [];
    this.#lost = 0;
    return { events, warnings, lost, settled: this.#samples >= this.#samplesNeeded };
  }

  counts(): Counts {
    const { watched, pending, halfClosed, openLeaks, unreported } = this.#guard.stats();
    const total = (rows: readonly { readonly count: number }[]): number =>
      rows.reduce((sum, { count }) => sum + count, 0);
    return { watched: watched + pending, halfClosed: total(halfClosed), leaks: total(openLeaks), unreported };
  }

  /** Asked for from outside, by who still listens. */
  end(): void {
    this.#leave(true);
  }

  /** Takes everything back, once; the way in closes in the next turn. */
  #leave(asked: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#takeBack();
    this.#onEnd();
    this.#door.leave(asked);
  }

  #tick(): void {
    this.#samples++;
    if (monotonicMs() - this.#heardAtMs > this.#silenceMs) this.#leave(false);
  }

  #note(event: VisitEvent): void {
    this.#events.push(event);
    if (this.#events.length <= MAX_EVENTS) return;
    this.#events.shift();
    this.#lost++;
  }

  #takeBack(): void {
    this.#guard.close();
    this.#guard.removeAllListeners();
    // Who uses this library anyway goes on using what it has noted.
    if (this.#wasInUse) return;
    sweepNotes();
    dropSharedState();
  }
}
