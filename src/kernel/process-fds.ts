import { readdirSync, readlinkSync } from 'node:fs';
import { monotonicMs } from '../base/clock.js';

/** A process with more fds is not searched: one costs about 2 µs, and the event loop waits. */
const MAX_FDS = 1_024;
/** How old an answer may be: many leaks are reported in one sample. */
const FRESH_MS = 100;

type SocketFds = ReadonlyMap<number, number>;

const cache = new Map<number, { readonly fds: SocketFds | undefined; readonly readAtMs: number }>();

/** The sockets of a process: their fds there by their inodes. Undefined where /proc does not tell, or where it has too many. */
export function socketFdsOf(pid: number): SocketFds | undefined {
  const nowMs = monotonicMs();
  for (const [each, { readAtMs }] of cache) if (nowMs - readAtMs >= FRESH_MS) cache.delete(each);
  const known = cache.get(pid);
  if (known) return known.fds;
  const fds = read(pid);
  cache.set(pid, { fds, readAtMs: nowMs });
  return fds;
}

function read(pid: number): SocketFds | undefined {
  const folder = `/proc/${pid}/fd`;
  try {
    const names = readdirSync(folder);
    return names.length > MAX_FDS ? undefined : new Map(names.flatMap((name) => socketAt(folder, name)));
  } catch {
    return undefined;
  }
}

function socketAt(folder: string, name: string): [inode: number, fd: number][] {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1];
    return inode === undefined ? [] : [[Number(inode), Number(name)]];
  } catch {
    // Closed meanwhile.
    return [];
  }
}
