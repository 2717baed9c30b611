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
