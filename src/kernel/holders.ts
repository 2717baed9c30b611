import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Whether some half-close watch of a process holds the socket with this cookie: then a guard there answers for it. A thread
 * puts only sockets of its own on its watch.
 *
 * The kernel itself tells, in /proc/PID/fdinfo (proc_pid_fdinfo(5)): an epoll set lists `tfd`, `events` and `data`, and
 * ours carry the cookie as data and EPOLLRDHUP|EPOLLET as events. So threads and processes need no shared state to agree.
 * Its cost grows with the sets; it is asked for a socket that is about to be reported and has no owner here.
 */
export function isWatchedBy(process: number | 'self', cookie: bigint): boolean {
  const line = new RegExp(`^tfd:\\s*\\d+ events:\\s*8000201?[08] data:\\s*${cookie.toString(16)}\\b`, 'm');
  return list(`/proc/${process}/fd`)
    .filter((fd) => link(`/proc/${process}/fd/${fd}`) === 'anon_inode:[eventpoll]')
    .some((fd) => line.test(read(`/proc/${process}/fdinfo/${fd}`)));
}

/** Another process that has the socket with this inode open, as far as /proc lets us see (other users' processes are hidden). */
export function holderOf(inode: number): number | undefined {
  const target = `socket:[${inode}]`;
  for (const name of list('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if (list(`/proc/${name}/fd`).some((fd) => link(`/proc/${name}/fd/${fd}`) === target)) return pid;
  }
  return undefined;
}

function list(path: string): string[] {
  return quietly(() => readdirSync(path), []);
}

function link(path: string): string {
  return quietly(() => readlinkSync(path), '');
}

function read(path: string): string {
  return quietly(() => readFileSync(path, 'latin1'), '');
}

/** The process or its fd is gone by now, or /proc is not there or not ours to read: then there is nothing to see. */
function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && UNREADABLE.has(code)) return otherwise;
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'ESRCH',
  'ENOTDIR',
  'EINVAL',
  'EMFILE',
  'ENFILE',
]);

/** Who, but for a JS socket of this thread, answers for a socket. */
export type HolderAnswer =
  /** A guard of another thread or process watches it, and reports it. */
  | { readonly answer: 'elsewhere' }
  /** No other guard watches it. `pid` is the other process that holds it, where there is one and /proc shows it. */
  | { readonly answer: 'here-or-nowhere'; readonly pid?: number }
  /** Not known yet: it is not reported in this sample, and asked about again in the next. */
  | { readonly answer: 'not-yet' };

/**
 * Answers for sockets without a JS socket in this thread whether a guard elsewhere reports them, so that nothing is reported
 * twice. Looks at other processes in bounded slices: one slice a sample, begun by `beginSample()`.
 */
export class Holders {
  /** Call once at the beginning of each sample. `whole`: answer everything in this sample, whatever it costs. */
  beginSample(_whole = false): void {
    // The slices come with the pass over /proc.
  }

  /** `foreignInode`: the inode of a socket that only another process has; undefined when this process has it. */
  lookUp(cookie: bigint, foreignInode: number | undefined): HolderAnswer {
    const holder = foreignInode === undefined ? 'self' : holderOf(foreignInode);
    if (holder !== undefined && isWatchedBy(holder, cookie)) return { answer: 'elsewhere' };
    return holder === undefined || holder === 'self'
      ? { answer: 'here-or-nowhere' }
      : { answer: 'here-or-nowhere', pid: holder };
  }

  close(): void {
    // Ends a pass that is under way.
  }
}
