import { clearTimeout, setTimeout } from 'node:timers';
import { monotonicMs } from '../base/clock.js';
import type { LeakReport } from '../leaks/report.js';
import type { GuardEvents } from './types.js';

/** How often a log has a line of equal leaks, ms. */
const EVERY_MS = 60_000;
/** Of how many fingerprints the last minute is remembered; those beyond share one line. */
const MAX_REMEMBERED = 1_000;

export type LeakEvent = keyof GuardEvents;

/** What happened to leaks of one fingerprint, or of many where there are too many, since the last line of it. */
export interface Gathered {
  readonly event: LeakEvent;
  /** The last one. */
  readonly leak: LeakReport;
  /** How many there were; 0 for a line that is of this one alone. */
  readonly more: number;
  /** Open now of its fingerprint; undefined where they are of more than one. */
  readonly open: number | undefined;
}

interface Line {
  readonly event: LeakEvent;
  /** Shared by those beyond the remembered ones. */
  readonly shared: boolean;
  writtenAtMs: number;
  leak: LeakReport;
  more: number;
  open: number;
}

/** Where lines are written and when: what a log or a test chooses. */
export interface EqualLinesOptions {
  readonly write: (gathered: Gathered) => void;
  /** Called after what is left was written at the process's exit. */
  readonly afterExit?: () => void;
  /** @default 1000 */
  readonly remembered?: number;
}

/** All that have something to write, for one listener of 'exit'. */
const pending = new Set<EqualLines>();

/**
 * The log that a person reads: the first of equal leaks is written at once, those that follow are one line a minute. An event is
 * a line of its own kind, so the end of leaks is not taken for their beginning. There is a timer only while there is something
 * to write, and it keeps no process alive; what is left at exit is written then.
 */
export class EqualLines {
  readonly #write: EqualLinesOptions['write'];
  readonly #afterExit: () => void;
  readonly #remembered: number;
  readonly #lines = new Map<string, Line>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ write, afterExit = () => undefined, remembered = MAX_REMEMBERED }: EqualLinesOptions) {
    this.#write = write;
    this.#afterExit = afterExit;
    this.#remembered = remembered;
  }

  add(event: LeakEvent, leak: LeakReport): void {
    this.noteOpen(leak);
    const nowMs = monotonicMs();
    const line = this.#lineOf(event, leak, nowMs);
    if (!line) {
      this.#lines.set(keyOf(event, leak.fingerprint), newLine(event, leak, nowMs, false));
      this.#write({ event, leak, more: 0, open: leak.count });
      return;
    }
    line.more++;
    line.leak = leak;
    line.open = leak.count;
    this.#wait(nowMs);
  }

  /** An event that is not written says how many are open, too. */
  noteOpen({ fingerprint, count }: LeakReport): void {
    for (const event of EVENTS) {
      const line = this.#lines.get(keyOf(event, fingerprint));
      if (line) line.open = count;
    }
  }

  /** Writes what is left, and remembers nothing. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    this.#done();
    for (const line of lines) this.#writeMore(line);
  }

  /** For the process's exit. */
  end(): void {
    this.flush();
    this.#afterExit();
  }

  /** The line that this one is to be gathered in; undefined when it is the first. */
  #lineOf(event: LeakEvent, leak: LeakReport, nowMs: number): Line | undefined {
    const key = keyOf(event, leak.fingerprint);
    const line = this.#lines.get(key);
    if (line && (line.more > 0 || nowMs - line.writtenAtMs < EVERY_MS)) return line;
    this.#lines.delete(key);
    if (this.#lines.size < this.#remembered) return undefined;
    for (const [old, { more, writtenAtMs }] of this.#lines)
      if (more === 0 && nowMs - writtenAtMs >= EVERY_MS) this.#lines.delete(old);
    return this.#lines.size < this.#remembered ? undefined : this.#sharedLine(event, leak, nowMs);
  }

  #sharedLine(event: LeakEvent, leak: LeakReport, nowMs: number): Line {
    const key = keyOf(event, '');
    let line = this.#lines.get(key);
    if (!line) this.#lines.set(key, (line = newLine(event, leak, nowMs, true)));
    return line;
  }

  #wait(nowMs: number): void {
    if (this.#timer) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { more, writtenAtMs } of this.#lines.values())
      if (more > 0) dueMs = Math.min(dueMs, writtenAtMs + EVERY_MS);
    if (dueMs === Number.POSITIVE_INFINITY) {
      this.#done();
      return;
    }
    if (pending.size === 0) process.once('exit', endAll);
    pending.add(this);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#writeDue();
      },
      Math.max(1, dueMs - nowMs),
    ).unref();
  }

  #writeDue(): void {
    const nowMs = monotonicMs();
    const due = [...this.#lines.values()].filter(
      ({ more, writtenAtMs }) => more > 0 && nowMs - writtenAtMs >= EVERY_MS,
    );
    for (const line of due) {
      line.writtenAtMs = nowMs;
      this.#writeMore(line);
    }
    this.#wait(nowMs);
  }

  #writeMore(line: Line): void {
    const { event, leak, more, open, shared } = line;
    if (more === 0) return;
    line.more = 0;
    this.#write({ event, leak, more, open: shared ? undefined : open });
  }

  #done(): void {
    pending.delete(this);
    if (pending.size === 0) process.removeListener('exit', endAll);
  }
}

function endAll(): void {
  for (const lines of [...pending]) lines.end();
}

const EVENTS = ['leak', 'released', 'reclaimed'] as const satisfies readonly LeakEvent[];

function keyOf(event: LeakEvent, fingerprint: string): string {
  return `${event} ${fingerprint}`;
}

function newLine(event: LeakEvent, leak: LeakReport, writtenAtMs: number, shared: boolean): Line {
  return { event, leak, shared, writtenAtMs, more: 0, open: leak.count };
}
