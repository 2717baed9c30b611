import { statSync } from 'node:fs';
import path from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { isatty } from 'node:tty';
import { monotonicMs } from '../base/clock.js';
import { EqualLines, type Gathered, type LeakEvent } from '../guard/equal-lines.js';
import { warnSetting } from '../guard/warnings.js';
import type { LeakReport } from '../leaks/report.js';
import { LineQueue, type QueueLimits } from './line-queue.js';
import { LOG_LEVELS, type LogLevel } from './log-level.js';
import { JSON_FORM, TERMINAL_FORM, type LineForm } from './log-line.js';
import { LogTarget } from './log-target.js';

const STDERR = 2;
const SETTING = 'CLOSE_WAIT_GUARD_LOG';

/** How much is kept while the log takes nothing. */
const LIMITS: QueueLimits = Object.freeze({ lines: 10_000, bytes: 8 * 1024 * 1024 });
/** Lines written in one go, so that a long backlog does not hold up the event loop. */
const BATCH = 100;
/** Time to the next try, doubled as long as nothing is written. Short, since a process that is killed loses what is kept. */
const RETRY_MS = { first: 10, last: 160 } as const;
/** How long an exiting process waits for a reader that is slow, and how often it tries. */
const EXIT = { waitMs: 1_000, everyMs: 5 } as const;

export interface EventLogOptions {
  /** @default 'info' */
  readonly level?: LogLevel;
  /** @default 10,000 lines and 8 MiB */
  readonly limits?: QueueLimits;
}

/**
 * Writes one line for each event to a file, a FIFO or stderr; on a terminal equal ones are one line a minute. It never waits for
 * a reader or for room: a line that cannot be written at once is kept and tried again, and at exit the process waits a second
 * at most.
 */
export class EventLog {
  readonly #events: readonly LeakEvent[];
  readonly #queue: LineQueue;
  readonly #form: LineForm;
  /** On a terminal; a program that reads the log counts by itself. */
  readonly #equal: EqualLines | undefined;
  readonly #target: LogTarget | undefined;
  /** The path, when it is not an fd that was inherited. */
  readonly #path: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs: number = RETRY_MS.first;
  #exitHooked = false;

  /** @param destination a path, appended to; undefined is stderr, and so is a file that cannot be opened (with a warning). */
  constructor(destination: string | undefined, { level = 'info', limits = LIMITS }: EventLogOptions = {}) {
    this.#events = LOG_LEVELS[level];
    const opened = level === 'off' ? undefined : open(destination);
    this.#target = opened?.target;
    this.#path = opened?.path;
    this.#form = opened?.terminal ? TERMINAL_FORM : JSON_FORM;
    const form = this.#form;
    this.#queue = new LineQueue(limits, (count) => form.dropped(count));
    if (!opened?.terminal) return;
    this.#equal = new EqualLines({
      write: (gathered) => {
        this.#push(gathered);
      },
      afterExit: this.#atExit,
    });
  }

  write(event: LeakEvent, leak: LeakReport): void {
    const isWritten = this.#events.includes(event);
    if (!this.#equal) {
      if (isWritten) this.#push({ event, leak, more: 0, open: undefined });
    } else if (isWritten) this.#equal.add(event, leak);
    else this.#equal.noteOpen(leak);
  }

  /** Writes the leaks that are open now, whatever the level but `off`. */
  list(leaks: readonly LeakReport[]): void {
    for (const line of this.#form.list(leaks)) this.#queue.push(line);
    if (!this.#retry) this.#flush();
  }

  #push(gathered: Gathered): void {
    this.#queue.push(this.#form.leak(gathered));
    // While the log takes nothing, the timer tries again; each further leak does not.
    if (!this.#retry) this.#flush();
  }

  /** Lines that are not written yet. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  #flush(): void {
    const before = this.#queue.waiting;
    const failure = this.#target?.take(this.#queue, BATCH);
    if (this.#queue.empty) {
      this.#retryMs = RETRY_MS.first;
      process.removeListener('exit', this.#atExit);
      this.#exitHooked = false;
      return;
    }
    if (failure) this.#complain(failure);
    if (this.#queue.waiting < before) this.#retryMs = RETRY_MS.first;
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.#flush();
      },
      failure ? this.#retryMs : 1,
    ).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.last);
    if (this.#exitHooked) return;
    this.#exitHooked = true;
    process.once('exit', this.#atExit);
  }

  /** Waits a second for a slow reader; does not wait for one that is not there, nor for a full disk. */
  readonly #atExit = (): void => {
    clearTimeout(this.#retry);
    const deadline = monotonicMs() + EXIT.waitMs;
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    let failure = this.#target?.take(this.#queue, Infinity);
    while (failure?.code === 'EAGAIN' && monotonicMs() < deadline) {
      Atomics.wait(sleeper, 0, 0, EXIT.everyMs);
      failure = this.#target?.take(this.#queue, Infinity);
    }
    if (failure) this.#sayLost(failure);
  };

  /** A warning emitted at exit is not printed any more. So this is one line on stderr, if stderr takes it. */
  #sayLost(failure: Error): void {
    if (this.#path === undefined) return;
    const { waiting } = this.#queue;
    const lines = waiting === 1 ? '1 line is' : `${waiting} lines are`;
    const text = `close-wait-guard: ${lines} lost, which the log ${JSON.stringify(this.#path)} did not take (${failure.message})\n`;
    const notice = new LineQueue(LIMITS, () => Buffer.alloc(0));
    notice.push(Buffer.from(text));
    LogTarget.ofInherited(STDERR).take(notice, 1);
  }

  /** Warns once. Not when stderr itself fails: Node writes warnings to stderr, and that write would wait. */
  #complain(failure: NodeJS.ErrnoException): void {
    if (this.#path === undefined || failure.code === 'EAGAIN') return;
    warnSetting(
      SETTING,
      `a line could not be written (${failure.message}); up to ${LIMITS.lines.toLocaleString('en-US')} are kept and tried again`,
    );
  }
}

interface Opened {
  readonly target: LogTarget;
  readonly terminal: boolean;
  readonly path: string | undefined;
}

function open(destination: string | undefined): Opened {
  if (destination === undefined) return inherited(STDERR);
  const fd = inheritedFd(destination);
  const file = path.resolve(destination);
  const target = fd === undefined ? LogTarget.ofPath(file) : LogTarget.ofInherited(fd);
  const named = fd === undefined ? file : undefined;
  try {
    return { target, path: named, ...target.probe() };
  } catch (error) {
    if (mayPass(error as NodeJS.ErrnoException, file)) return { target, path: named, terminal: false };
    warnSetting(
      SETTING,
      `the log ${JSON.stringify(destination)} cannot be opened (${(error as Error).message}); stderr is used`,
    );
    return inherited(STDERR);
  }
}

function inherited(fd: number): Opened {
  return { target: LogTarget.ofInherited(fd), terminal: isatty(fd), path: undefined };
}

/** The fd that a name in /dev stands for: opening it by that name does not work for every kind of file. */
function inheritedFd(name: string): number | undefined {
  if (name === '/dev/stdout') return 1;
  if (name === '/dev/stderr') return STDERR;
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d{1,6})$/.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Failures that may pass: a FIFO that nobody reads yet, no fd or no room left. */
function mayPass({ code = '' }: NodeJS.ErrnoException, file: string): boolean {
  if (code === 'ENXIO') return statSync(file, { throwIfNoEntry: false })?.isFIFO() ?? false;
  return ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EDQUOT', 'EINTR', 'EAGAIN'].includes(code);
}
