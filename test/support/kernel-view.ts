import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** TCP states as /proc/net/tcp writes them; a list of its own, so that the library's table is checked and not trusted. */
export const ESTABLISHED = '01';
export const FIN_WAIT2 = '05';
export const CLOSE_WAIT = '08';
export const LISTEN = '0A';

/** One row of /proc/self/net/tcp or tcp6 (proc_net_tcp in the kernel's documentation). */
export interface KernelRow {
  /** Hex, in the byte order of the machine: 127.0.0.1 is 0100007F on little-endian ones. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly remotePort: number;
  readonly state: string;
  readonly sendQueue: number;
  /** Unread bytes, and 1 more for an unread FIN. */
  readonly receiveQueue: number;
  /** 0 when no file description holds it: in an accept queue, or orphaned. */
  readonly inode: number;
}

/** Each once: the kernel writes the table in pieces, and where others open sockets meanwhile it repeats rows. */
export function kernelRows(): KernelRow[] {
  const rows = ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap((file) => rowsOf(file));
  const ends = ({ localAddress, localPort, remotePort, state, inode }: KernelRow): string =>
    [localAddress, localPort, remotePort, state, inode].join();
  return [...new Map(rows.map((row) => [ends(row), row])).values()];
}

function rowsOf(file: string): KernelRow[] {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    // A kernel without IPv6 has no tcp6.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const columns = line.trim().split(/\s+/);
      const [sendQueue, receiveQueue] = (columns[4] ?? '').split(':').map((hex) => parseInt(hex, 16));
      return {
        localAddress: columns[1]?.split(':')[0] ?? '',
        localPort: portOf(columns[1]),
        remotePort: portOf(columns[2]),
        state: columns[3] ?? '',
        sendQueue: sendQueue ?? 0,
        receiveQueue: receiveQueue ?? 0,
        inode: Number(columns[9]),
      };
    });
}

function portOf(address = ''): number {
  return parseInt(address.split(':')[1] ?? '', 16);
}

/** The row of one end of a connection. */
export function kernelRow(localPort: number, remotePort: number): KernelRow | undefined {
  return kernelRows().find((row) => row.localPort === localPort && row.remotePort === remotePort);
}

/** Inode of the socket that `fd` is in this process; undefined when the fd is closed or something else. */
export function socketInode(fd: number, pid: number | 'self' = 'self'): number | undefined {
  const match = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`));
  return match ? Number(match[1]) : undefined;
}

/** What every open fd is, as in `socket:[123]` or `anon_inode:[eventpoll]`. */
export function openFds(pid: number | 'self' = 'self'): Map<number, string> {
  const fds = new Map<number, string>();
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    const link = linkOf(`/proc/${pid}/fd/${name}`);
    if (link !== '') fds.set(Number(name), link);
  }
  return fds;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    // Closed since it was listed (the fd of readdir itself always is).
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Inodes of the TCP sockets of this process that no TCP table lists: state CLOSE, and the fd is still open. */
export function isListed(inode: number): boolean {
  return kernelRows().some((row) => row.inode === inode);
}
