import { constants } from 'node:os';
import { monotonicMs } from '../../base/clock.js';
import { TcpState } from '../../base/tcp-states.js';
import type { FdKind, NativeBinding } from '../../kernel/native.js';
import {
  borrowSockets,
  isElsewhere,
  listFdsOf,
  lookIntoProcess,
  type ProcessLook,
  type SocketFd,
} from '../../kernel/other-process.js';
import { errnoText, messageOf } from '../../kernel/self-check.js';
import { CommandError } from '../frame/errors.js';
import { noSuchProcess } from '../frame/pid.js';
import { isStill, mainThreadOf, userText, type MainThread, type ProcessIdentity } from './identity.js';
import { socketOfTable, tablesOf } from './proc-tables.js';
import { socketOfBorrowed, socketOfRow, type InspectedSocket } from './socket.js';

/** A listener's connections that nobody has accepted yet. */
export interface Waiting {
  readonly waiting: number;
  /** Those of them whose client has left. */
  readonly halfClosed: number;
}

/** The TCP sockets of a process at one moment. */
export interface Look {
  /** On monotonicMs(). */
  readonly atMs: number;
  readonly main: MainThread;
  readonly openFds: number;
  readonly fdsByKind: ReadonlyMap<FdKind, number>;
  readonly sockets: readonly InspectedSocket[];
  /** Open connections with nothing in their queues that are counted and not among `sockets`. */
  readonly idle: number;
  /** By local port. */
  readonly waiting: ReadonlyMap<number, Waiting>;
  /** Sockets that may be TCP and could not be read: no table lists them, and they may not be borrowed. */
  readonly unread: readonly SocketFd[];
  /** What this look could not see, and why: a sentence each. */
  readonly notes: readonly string[];
}

export interface LookOptions {
  /** Healthy sockets one by one, too. */
  readonly all: boolean;
  /** Which unlisted sockets to borrow: undefined for all. Whatever a look does not need it leaves alone. */
  readonly borrow?: (socket: SocketFd) => boolean;
}

/** @throws CommandError where the process does not show its fds, or is gone */
export function takeLook(binding: NativeBinding, process: ProcessIdentity, options: LookOptions): Look {
  const notes: string[] = [];
  const [atMs, main] = [monotonicMs(), mainThreadOf(process.pid)];
  const { look, sockets, waiting } = readSockets(binding, process, options.all, notes);
  const unlisted = options.borrow ? look.unlisted.filter(options.borrow) : look.unlisted;
  const { borrowed, unread } = readUnlisted(binding, process, unlisted, notes);
  // Whatever was read may be another process's.
  if (!isStill(process)) throw noSuchProcess(process.pid);
  const { openFds, fdsByKind, idle } = look;
  return { atMs, main, openFds, fdsByKind, sockets: [...sockets, ...borrowed], idle, waiting, unread, notes };
}

interface Read {
  readonly look: ProcessLook;
  readonly sockets: InspectedSocket[];
  readonly waiting: Map<number, Waiting>;
}

function readSockets(binding: NativeBinding, process: ProcessIdentity, all: boolean, notes: string[]): Read {
  const { pid } = process;
  try {
    const look = lookIntoProcess(binding, pid, all);
    const waiting = new Map<number, Waiting>();
    for (const { fd, inode, state, localPort } of look.sockets) {
      if (fd < 0 && inode === 0) countWaiting(waiting, state, localPort);
    }
    const own = look.sockets.filter(({ fd }) => fd >= 0);
    return { look, sockets: own.map((row) => socketOfRow(binding, row)), waiting };
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall === 'open' || syscall === 'fstat' || syscall === 'getdents64') throw refusalOf(process, error);
    notes.push(whyTables(pid, error));
  }
  return readTables(binding, process);
}

/** By /proc/PID/net/tcp, which shows everybody the network namespace of any process. */
function readTables(binding: NativeBinding, process: ProcessIdentity): Read {
  let look: ProcessLook;
  try {
    look = listFdsOf(binding, process.pid);
  } catch (error) {
    throw refusalOf(process, error);
  }
  const rows = tablesOf(process.pid) ?? [];
  const fds = new Map(look.unlisted.toReversed().map(({ fd, inode }) => [inode, fd]));
  const waiting = new Map<number, Waiting>();
  for (const { inode, state, localPort } of rows) if (inode === 0) countWaiting(waiting, state, localPort);
  const own = rows.filter(({ inode }) => inode !== 0 && fds.has(inode));
  const listed = new Set(own.map(({ inode }) => inode));
  return {
    look: { ...look, unlisted: look.unlisted.filter(({ inode }) => !listed.has(inode)) },
    sockets: own.map((row) => socketOfTable(row, fds.get(row.inode)!)),
    waiting,
  };
}

/** A socket that no process has is an orphan, or waits to be accepted; the states of the latter are two. */
function countWaiting(waiting: Map<number, Waiting>, state: number, port: number): void {
  if (state !== TcpState.ESTABLISHED && state !== TcpState.CLOSE_WAIT) return;
  const known = waiting.get(port) ?? { waiting: 0, halfClosed: 0 };
  const left = state === TcpState.CLOSE_WAIT ? 1 : 0;
  waiting.set(port, { waiting: known.waiting + 1, halfClosed: known.halfClosed + left });
}

function readUnlisted(
  binding: NativeBinding,
  { pid }: ProcessIdentity,
  sockets: readonly SocketFd[],
  notes: string[],
): { borrowed: InspectedSocket[]; unread: SocketFd[] } {
  try {
    const rows = borrowSockets(binding, pid, sockets);
    // Closed meanwhile: no longer the process's.
    const refused = rows.filter(({ errno }) => errno !== 0 && errno !== constants.errno.EBADF);
    const [first] = refused;
    if (first) notes.push(whyUnread(refused.length, errnoText(first.errno)));
    return {
      borrowed: rows.filter(({ errno }) => errno === 0).map((row) => socketOfBorrowed(binding, row)),
      unread: refused,
    };
  } catch (error) {
    notes.push(whyUnread(undefined, messageOf(error)));
    return { borrowed: [], unread: [...sockets] };
  }
}

function whyUnread(count: number | undefined, why: string): string {
  const which = count === undefined ? 'Sockets' : count === 1 ? '1 TCP socket' : `${count} TCP sockets`;
  return `${which} that no table of the kernel lists could not be read (${why}): reset ones among them are not told. It takes the right to trace the process (root, or CAP_SYS_PTRACE) and Linux 5.6.`;
}

function whyTables(pid: number, error: unknown): string {
  const where = isElsewhere(pid) ? `the network namespace of process ${pid}` : 'this network namespace';
  const way = isElsewhere(pid) ? `, or run it in there: nsenter -t ${pid} -n` : '';
  return `sock_diag(7) of ${where} cannot be asked (${messageOf(error)}), so /proc/${pid}/net/tcp tells states and queues alone: no ages, and a stalled socket only where 64 KiB wait. It takes CAP_SYS_ADMIN (root)${way}.`;
}

/** Why the fds are not shown, and what everybody may see instead. */
function refusalOf(process: ProcessIdentity, error: unknown): CommandError {
  const { errno } = error as NodeJS.ErrnoException;
  const { pid, program, uid } = process;
  if (errno === constants.errno.ENOENT || errno === constants.errno.ESRCH) return noSuchProcess(pid);
  const own = globalThis.process.geteuid?.() ?? -1;
  const refused = `the fds of process ${pid} (${program}) are not shown here: ${messageOf(error)}`;
  if (errno !== constants.errno.EACCES && errno !== constants.errno.EPERM) return new CommandError(refused);
  const whose =
    own === uid
      ? `It is your own, but its memory is protected (it has or had other rights, or is not dumpable); run this as root (CAP_SYS_PTRACE)`
      : `It runs as ${userText(uid)} and this as ${userText(own)}; run this as that user or as root (CAP_SYS_PTRACE)`;
  return new CommandError(`${refused}. ${whose}.${publicCount(process)}`);
}

function publicCount({ pid, uid }: ProcessIdentity): string {
  const rows = tablesOf(pid)?.filter((row) => row.uid === uid && row.inode !== 0);
  if (!rows) return '';
  const halfClosed = rows.filter(({ state }) => state === TcpState.CLOSE_WAIT).length;
  return ` What everybody may see: all processes of uid ${uid} in its network namespace have ${rows.length} TCP sockets, ${halfClosed} of them half-closed (CLOSE-WAIT).`;
}
