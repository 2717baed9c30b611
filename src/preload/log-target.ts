import { fstatSync, statSync } from 'node:fs';
import { monotonicMs } from '../base/clock.js';
import type { LineQueue } from './line-queue.js';
import { endsInsideLine, NEWLINE, openInherited, openPath, type OpenLog } from './open-log.js';

/** How often a path is looked at for a new file under its name, ms. */
const FOLLOW_EVERY_MS = 1_000;
const NEWLINE_BYTES = Buffer.of(NEWLINE);

/** Where the lines go, opened when there is something to write. */
interface Destination {
  /** @throws NodeJS.ErrnoException when it cannot be opened now. */
  begin(): OpenLog;
  /** A write failed with this code. */
  failed(code: string | undefined): void;
  end(): void;
}

/** Takes whole lines without ever waiting, and remembers how far it got with the one it could not finish. */
export class LogTarget {
  readonly #destination: Destination;
  /** Bytes of the queue's next line that a pipe, socket or terminal has taken. */
  #sent = 0;
  #identity: string | undefined;
  /** A regular file: where our last whole line ended, and whether it ends inside a line now. */
  #endsAt = -1;
  #cut = false;

  private constructor(destination: Destination) {
    this.#destination = destination;
  }

  /** A file, FIFO or terminal by its path. */
  static ofPath(path: string): LogTarget {
    return new LogTarget(new PathDestination(path));
  }

  /** An fd that was inherited, such as stderr. */
  static ofInherited(fd: number): LogTarget {
    return new LogTarget(new InheritedDestination(fd));
  }

  /** Opens it, to see whether that can be done. @throws NodeJS.ErrnoException */
  probe(): { readonly terminal: boolean } {
    const { terminal } = this.#destination.begin();
    this.#destination.end();
    return { terminal };
  }

  /** Writes at most `max` lines of the queue; returns what stopped it before that or the queue's end. */
  take(queue: LineQueue, max: number): NodeJS.ErrnoException | undefined {
    try {
      const log = this.#destination.begin();
      try {
        this.#prepare(log);
        for (let count = 0; count < max; count++) {
          const line = queue.next();
          if (line === undefined) return undefined;
          if (log.regular) this.#writeToFile(log, line, queue);
          else this.#writeToStream(log, line, queue);
          queue.done();
        }
      } finally {
        this.#destination.end();
      }
      return undefined;
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      // Whoever reads next gets the line from its start.
      if (failure.code !== 'EAGAIN') this.#sent = 0;
      this.#destination.failed(failure.code);
      return failure;
    }
  }

  #prepare(log: OpenLog): void {
    if (log.identity !== this.#identity) {
      this.#identity = log.identity;
      this.#sent = 0;
      this.#endsAt = -1;
    }
    if (!log.regular) return;
    const { size } = fstatSync(log.fd);
    if (size !== this.#endsAt) this.#cut = endsInsideLine(log, size);
    this.#endsAt = size;
  }

  /**
   * One write(2) a line: with O_APPEND it stays whole beside those of other processes. What a full disk has cut is ended by
   * a newline when there is room again, and the line is written once more.
   */
  #writeToFile(log: OpenLog, line: Buffer, queue: LineQueue): void {
    for (;;) {
      const bytes = this.#cut ? Buffer.concat([NEWLINE_BYTES, line]) : line;
      const written = log.write(bytes);
      this.#endsAt += written;
      if (written === bytes.length) {
        this.#cut = false;
        return;
      }
      if (written === 0) throw wouldWait();
      queue.begun(line);
      this.#cut = bytes[written - 1] !== NEWLINE;
    }
  }

  #writeToStream(log: OpenLog, line: Buffer, queue: LineQueue): void {
    while (this.#sent < line.length) {
      const written = log.write(line.subarray(this.#sent));
      if (written === 0) throw wouldWait();
      this.#sent += written;
      queue.begun(line);
    }
    this.#sent = 0;
  }
}

/** Opened for each batch: nothing of ours keeps a pipe open that the application closes, and no fd is held. */
class InheritedDestination implements Destination {
  readonly #fd: number;
  #open: OpenLog | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  begin(): OpenLog {
    return (this.#open = openInherited(this.#fd));
  }

  failed(): void {
    // Nothing to give up: the next batch opens it again.
  }

  end(): void {
    closeQuietly(this.#open);
    this.#open = undefined;
  }
}

/** Kept open, so that it also works when no fd is left or the process has changed its user; follows its name. */
class PathDestination implements Destination {
  readonly #path: string;
  #open: OpenLog | undefined;
  #followedAt = 0;

  constructor(path: string) {
    this.#path = path;
  }

  begin(): OpenLog {
    const now = monotonicMs();
    // What is written to a deleted file is lost, to a renamed one only misplaced.
    if (this.#open && (now - this.#followedAt >= FOLLOW_EVERY_MS || isDeleted(this.#open))) {
      this.#followedAt = now;
      this.#follow(this.#open);
    }
    if (!this.#open) {
      this.#open = openPath(this.#path);
      this.#followedAt = now;
    }
    return this.#open;
  }

  failed(code: string | undefined): void {
    // A FIFO's reader has gone: the next one is found by opening it again.
    if (code === 'EPIPE') this.#close();
  }

  end(): void {
    // Stays open.
  }

  /** The file was renamed or deleted (logrotate): the one that has its name now goes on. */
  #follow(open: OpenLog): void {
    if (identityOf(this.#path) === open.identity) return;
    let next: OpenLog;
    try {
      next = openPath(this.#path);
    } catch (error) {
      if (!isDeleted(open)) return;
      this.#close();
      throw error;
    }
    this.#close();
    this.#open = next;
  }

  #close(): void {
    closeQuietly(this.#open);
    this.#open = undefined;
  }
}

function isDeleted({ fd }: OpenLog): boolean {
  return fstatSync(fd).nlink === 0;
}

function identityOf(path: string): string | undefined {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats && `${stats.dev}:${stats.ino}`;
  } catch {
    return undefined;
  }
}

/** False where close(2) reports an error: the fd is gone all the same, and what could not be written was kept before. */
function closeQuietly(log: OpenLog | undefined): boolean {
  try {
    log?.close();
    return true;
  } catch {
    return false;
  }
}

function wouldWait(): NodeJS.ErrnoException {
  return Object.assign(new Error('EAGAIN: write'), { code: 'EAGAIN' });
}
