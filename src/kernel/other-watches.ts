import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Whether some half-close watch of this process holds the socket with this cookie. A thread puts only sockets of its own
 * on its watch, so for an fd that no JS socket of this thread owns, "yes" means that another thread's guard owns it.
 *
 * The kernel itself tells, in /proc/self/fdinfo (proc_pid_fdinfo(5)): an epoll set lists `tfd`, `events` and `data`, and
 * ours carry the cookie as data and EPOLLRDHUP|EPOLLET as events. So threads need no shared state to agree.
 * Its cost grows with the sets; it is asked once for each unowned socket that is about to be reported.
 */
export function heldByAnotherWatch(cookie: bigint): boolean {
  const data = cookie.toString(16);
  const line = new RegExp(`^tfd:\\s*\\d+ events:\\s*8000201?[08] data:\\s*${data}\\b`, 'm');
  for (const fd of eventPolls()) {
    const info = readOrEmpty(`/proc/self/fdinfo/${fd}`);
    if (line.test(info)) return true;
  }
  return false;
}

function eventPolls(): string[] {
  try {
    return readdirSync('/proc/self/fd').filter((fd) => linkOrEmpty(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]');
  } catch (error) {
    return absent(error) ? [] : rethrow(error);
  }
}

function linkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return absent(error) ? '' : rethrow(error);
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    return absent(error) ? '' : rethrow(error);
  }
}

/** The fd was closed while we looked, or /proc is not there or not ours to read. */
function absent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'EACCES' || code === 'ESRCH' || code === 'EMFILE' || code === 'ENFILE';
}

function rethrow(error: unknown): never {
  throw error;
}
