import { opendirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { monotonicMs } from '../base/clock.js';

/** A process that holds sockets somebody asked about. */
export interface ProcessFds {
  readonly pid: number;
  /** Its fds of the sockets somebody asked about, by their inodes; one of them where it has several. */
  readonly socketFds: ReadonlyMap<number, number>;
  /** Its fds that are epoll sets. */
  readonly epollFds: readonly string[];
  /** Cookies on its half-close watches, once {@link watchesOf} has read them. */
  watched: ReadonlySet<bigint> | undefined;
}

/** How many fds are read between two reads of the clock. */
const FDS_A_STEP = 16;

/**
 * One pass over the fds of all other processes that /proc shows: which of them hold which sockets. It can be stopped and
 * resumed, so that a sample reads a bounded part of it. Between two slices it holds one directory open.
 */
export class ProcScan {
  readonly holders = new Map<number, ProcessFds[]>();
  readonly #steps: Generator<void, void, void>;

  /** `wanted`: inodes of sockets; undefined for all sockets. */
  constructor(wanted: ReadonlySet<number> | undefined) {
    this.#steps = this.#scan(wanted);
  }

  /**
   * Goes on until the time `deadlineMs` (on `monotonicMs()`); true when it is at the end.
   * @throws Error when /proc itself cannot be read, or no process can be for want of an fd; see {@link isTransient}.
   */
  run(deadlineMs: number): boolean {
    for (;;) {
      if (this.#steps.next().done) return true;
      if (monotonicMs() >= deadlineMs) return false;
    }
  }

  close(): void {
    this.#steps.return();
  }

  *#scan(wanted: ReadonlySet<number> | undefined): Generator<void, void, void> {
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      yield* this.#scanProcess(pid, wanted);
      yield;
    }
  }

  *#scanProcess(pid: number, wanted: ReadonlySet<number> | undefined): Generator<void, void, void> {
    const folder = `/proc/${pid}/fd`;
    const directory = readable(() => opendirSync(folder, { bufferSize: FDS_A_STEP }));
    if (!directory) return;
    const epollFds: string[] = [];
    const socketFds = new Map<number, number>();
    const found: ProcessFds = { pid, socketFds, epollFds, watched: undefined };
    try {
      for (let read = 1; ; read++) {
        const entry = readable(() => directory.readSync());
        if (!entry) break;
        const link = readable(() => readlinkSync(`${folder}/${entry.name}`)) ?? '';
        if (link === 'anon_inode:[eventpoll]') epollFds.push(entry.name);
        const inode = Number(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? NaN);
        if (wanted ? wanted.has(inode) : !Number.isNaN(inode)) socketFds.set(inode, Number(entry.name));
        if (read % FDS_A_STEP === 0) yield;
      }
    } finally {
      directory.closeSync();
    }
    for (const inode of socketFds.keys()) this.holders.set(inode, [...(this.holders.get(inode) ?? []), found]);
  }
}

/**
 * The sockets on the half-close watches of a process. The kernel tells them as text: an epoll set lists `tfd`, `events` and
 * `data`, and a watch has EPOLLRDHUP|EPOLLET as events (8000201? with EPOLLERR and EPOLLHUP, which the kernel adds) and
 * the cookie as data. Costs about 2 µs for each socket of that process, in one piece, so it is read only of processes that
 * hold a leak.
 * @throws Error for want of an fd, see {@link isTransient}.
 */
export function watchesOf(process: ProcessFds): ReadonlySet<bigint> {
  if (process.watched) return process.watched;
  const cookies = new Set<bigint>();
  for (const fd of process.epollFds) {
    const text = readable(() => readFileSync(`/proc/${process.pid}/fdinfo/${fd}`, 'latin1')) ?? '';
    for (const [, data] of text.matchAll(/^tfd:\s*\d+ events:\s*8000201?[08] data:\s*([0-9a-f]+)/gm)) {
      cookies.add(BigInt(`0x${data}`));
    }
  }
  process.watched = cookies;
  return cookies;
}

/** Whether reading /proc failed for want of something that may be there again in the next sample. */
export function isTransient(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && TRANSIENT.has(code);
}

const TRANSIENT: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);

/** A process or fd that is gone by now, or that is another user's, is not there for us; a want of fds is the caller's. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isTransient(error)) throw error;
    return undefined;
  }
}
