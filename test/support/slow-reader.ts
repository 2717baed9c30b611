import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { temporaryFile } from './preloaded.js';
import type { Stage } from './stage.js';

/** Makes a FIFO in a new folder. */
export function makeFifo(stage: Stage): string {
  const fifo = temporaryFile(stage, 'log.fifo');
  execFileSync('mkfifo', [fifo]);
  return fifo;
}

/** Reads a FIFO when it is told to, and not before. It is a reader from the moment it is made. */
export class SlowReader {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(65_536);
  #closed = false;
  text = '';

  constructor(stage: Stage, fifo: string) {
    this.#fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    stage.defer(() => this.close());
  }

  /** Takes at most `bytes` of what is there now; returns all that was read so far. */
  read(bytes = Infinity): string {
    for (let left = bytes; left > 0;) {
      const taken = this.#readSome(Math.min(left, this.#buffer.length));
      if (taken === 0) break;
      left -= taken;
    }
    return this.text;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  /** 0 at the end and where there is nothing yet. */
  #readSome(bytes: number): number {
    try {
      const taken = readSync(this.#fd, this.#buffer, 0, bytes, null);
      this.text += this.#buffer.toString('utf8', 0, taken);
      return taken;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      return 0;
    }
  }
}

/** The writing end of a FIFO that has a reader, blocking as a shell's pipe is: for a child's stdio. */
export function blockingWriter(stage: Stage, fifo: string): number {
  const fd = openSync(fifo, constants.O_WRONLY);
  stage.defer(() => closeSync(fd));
  return fd;
}
