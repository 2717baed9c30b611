import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Past so many fds the search is given up: it must not block the event loop. One costs about 2 µs. */
const MAX_FDS = 20_000;

/**
 * The sockets that other processes have open which can have them from this one: its children and theirs, what was orphaned
 * since this process started, and its parent when the two are connected by IPC. A socket gets there as stdio or with
 * `child.send(…, { keepOpen: true })`.
 *
 * What is set on a shared socket (SO_LINGER) is set for all who have it (socket(7)), so such a socket is left alone.
 */
export class SharedSockets {
  readonly #inodes: ReadonlySet<string> | undefined;

  /** Searches once, now. */
  constructor() {
    this.#inodes = socketsOf(relatives());
  }

  /** Whether another process has the socket under this fd too. Where /proc does not tell, the answer is yes. */
  has(fd: number): boolean {
    try {
      return this.#inodes?.has(`socket:[${fstatSync(fd).ino}]`) ?? true;
    } catch {
      return true;
    }
  }
}

/** As in `socket:[4711]`; undefined where that cannot be told. */
function socketsOf(pids: readonly number[] | undefined): ReadonlySet<string> | undefined {
  if (!pids) return undefined;
  const inodes = new Set<string>();
  let seen = 0;
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    const fds = readOrGone(() => readdirSync(folder));
    if (!fds) return undefined;
    for (const fd of fds) {
      if (++seen > MAX_FDS) return undefined;
      const link = readOrGone(() => [readlinkSync(`${folder}/${fd}`)]) ?? [];
      if (link[0]?.startsWith('socket:') === true) inodes.add(link[0]);
    }
  }
  return inodes;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** In clock ticks since the machine started. */
  readonly startedAt: number;
}

function relatives(): number[] | undefined {
  const all = readOrGone(() => readdirSync('/proc'))
    ?.map(Number)
    .filter((pid) => Number.isInteger(pid))
    .flatMap((pid) => processOf(pid) ?? []);
  const self = all?.find(({ pid }) => pid === process.pid);
  if (!all || !self) return undefined;
  const found = new Set([self.pid]);
  // Parents come before their children in this order; an orphan's new parent is init or a subreaper, which is older.
  for (const { pid, parent, startedAt } of all.toSorted((a, b) => a.startedAt - b.startedAt)) {
    if (startedAt >= self.startedAt && (found.has(parent) || parent === 1)) found.add(pid);
  }
  if (process.channel !== undefined) found.add(self.parent);
  found.delete(self.pid);
  return [...found];
}

/** proc_pid_stat(5), fields 4 and 22; undefined when it is gone. */
function processOf(pid: number): Process | undefined {
  const [stat] = readOrGone(() => [readFileSync(`/proc/${pid}/stat`, 'latin1')]) ?? [];
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses, which may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), startedAt: Number(fields[19]) };
}

/** Empty when the process is gone or another user's, undefined where /proc cannot be read. */
function readOrGone(read: () => string[]): string[] | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' ? [] : undefined;
  }
}
