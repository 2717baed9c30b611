import { openSync, writeSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import type { LeakReport } from '../leaks/report.js';
import { warnSetting } from '../guard/warnings.js';

const STDERR = 2;
/** Lines kept while stderr's reader is slow; beyond it the oldest are counted instead of kept, so memory stays bounded. */
const MAX_WAITING = 10_000;

/**
 * JSON lines, each written synchronously and whole (one write(2) on an O_APPEND file, so that processes can share it):
 * nothing is lost when the process dies right after.
 */
export class EventLog {
  readonly #fd: number;
  #waiting: string[] = [];
  #exitHooked = false;

  /** @param path appended to; undefined is stderr, and so is a file that cannot be opened (with a warning). */
  constructor(path: string | undefined) {
    this.#fd = path === undefined ? STDERR : openOrStderr(path);
  }

  write(event: 'leak' | 'released' | 'reclaimed', leak: LeakReport): void {
    const line = `${JSON.stringify({ event, time: new Date().toISOString(), pid: process.pid, threadId, leak })}\n`;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift();
      warnSetting(
        'CLOSE_WAIT_GUARD_LOG',
        `the log takes nothing; more than ${MAX_WAITING} lines wait and the oldest are dropped`,
      );
    }
    this.#waiting.push(line);
    this.flush();
  }

  /** Writes what waits. A full pipe (EAGAIN) leaves the rest for the next line, or for the process's exit. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const line = Buffer.from(this.#waiting[0] ?? '');
      try {
        const written = writeSync(this.#fd, line);
        if (written < line.length) this.#waiting[0] = line.subarray(written).toString();
        else this.#waiting.shift();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
          this.#flushAtExit();
        } else {
          this.#waiting.shift();
          warnSetting('CLOSE_WAIT_GUARD_LOG', `a line could not be written (${(error as Error).message})`);
        }
        return;
      }
    }
  }

  #flushAtExit(): void {
    if (this.#exitHooked) return;
    this.#exitHooked = true;
    process.once('exit', () => {
      this.flush();
    });
  }
}

function openOrStderr(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    warnSetting(
      'CLOSE_WAIT_GUARD_LOG',
      `the log ${JSON.stringify(path)} cannot be opened (${(error as Error).message}); stderr is used`,
    );
    return STDERR;
  }
}
