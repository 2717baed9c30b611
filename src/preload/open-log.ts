import { constants, fstatSync, openSync, readSync, closeSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { getSystemErrorName } from 'node:util';
import { writeNow } from '../kernel/write-now.js';

/** O_NONBLOCK: neither open(2) of a FIFO nor a write to one may wait. O_NOCTTY: a terminal is written to, not taken. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;

/** An fd that lines go to, and how to write to it without waiting. */
export interface OpenLog {
  readonly fd: number;
  /** A file on a disk, which can be full and then keeps half a line. Anything else passes bytes on. */
  readonly regular: boolean;
  readonly terminal: boolean;
  /** Which file it is: `device:inode`. */
  readonly identity: string;
  /** Returns the bytes written; throws with a `code`, EAGAIN when it would have to wait. */
  write(bytes: Buffer): number;
  /** Closes what was opened here. */
  close(): void;
}

/** Opens a path. @throws NodeJS.ErrnoException; ENXIO for a FIFO that nobody reads. */
export function openPath(path: string): OpenLog {
  const fd = openExistingOrNew(path);
  return describe(fd, (bytes) => writeSync(fd, bytes), true);
}

/**
 * An fd that this process inherited, such as stderr. Its open file description is shared with other processes, so its flags
 * stay as they are: a pipe or terminal is opened again, which gives a description of its own that does not block. A socket
 * cannot be opened, nor can what belongs to another user: there the system call is told not to wait.
 */
export function openInherited(fd: number): OpenLog {
  const stats = fstatSync(fd);
  // A second description of a file that was not opened with O_APPEND would have an offset of its own, and both would
  // overwrite each other. Writing to a file does not wait for a reader.
  if (stats.isFile()) return describe(fd, (bytes) => writeSync(fd, bytes), false);
  const own = stats.isSocket() ? undefined : reopen(fd);
  if (own !== undefined) return describe(own, (bytes) => writeSync(own, bytes), true);
  return describe(fd, (bytes) => throwErrno(writeNow(fd, bytes)), false);
}

/** Whether the file ends in the middle of a line: somebody's write was cut short. */
export function endsInsideLine(log: OpenLog, size: number): boolean {
  if (size === 0) return false;
  try {
    const fd = openSync(`/proc/self/fd/${log.fd}`, 'r');
    try {
      const last = Buffer.alloc(1);
      return readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

export const NEWLINE = 0x0a;

/**
 * With O_CREAT only where there is no file: in a folder like /tmp the kernel refuses it for a FIFO or file of another user,
 * even to root (fs.protected_fifos, fs.protected_regular in proc_sys_fs(5)).
 */
function openExistingOrNew(path: string): number {
  try {
    return openSync(path, FLAGS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return openSync(path, FLAGS | constants.O_CREAT);
  }
}

/** Undefined where it is another user's, /proc is not there, no fd is left, or Node was not given the permission. */
function reopen(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, FLAGS);
  } catch {
    return undefined;
  }
}

function describe(fd: number, write: OpenLog['write'], own: boolean): OpenLog {
  const stats = fstatSync(fd, { bigint: true });
  return {
    fd,
    regular: stats.isFile(),
    terminal: isatty(fd),
    identity: `${stats.dev}:${stats.ino}`,
    write,
    close: () => {
      if (own) closeSync(fd);
    },
  };
}

function throwErrno(result: number): number {
  if (result >= 0) return result;
  const code = getSystemErrorName(result);
  throw Object.assign(new Error(`${code}: write`), { code });
}
