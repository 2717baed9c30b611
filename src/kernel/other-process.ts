import { readlinkSync, statSync } from 'node:fs';
import { stateBit, TcpState } from '../base/tcp-states.js';
import { DUMP_FIELDS, FD_KINDS, RECORD_FIELDS, type FdKind, type NativeBinding } from './native.js';

/** An fd of another process that is a socket. */
export interface SocketFd {
  readonly fd: number;
  readonly inode: number;
}

type Fields<Name extends string> = Readonly<Record<Name, number>>;

/** A socket that a dump of sock_diag(7) lists. -1 stands for what the kernel does not tell. */
export interface ListedSocket extends Fields<(typeof DUMP_FIELDS)[number]> {
  /** The lowest of its fds; -1 where no process has it (inode 0): it waits to be accepted, or is an orphan. */
  readonly fd: number;
  readonly cookie: bigint;
  /** Packed, see endpoints.ts. */
  readonly endpoints: Uint8Array;
}

/** A TCP socket read through a duplicate of its fd. Where `errno` is not 0, it could not be read. */
export interface BorrowedSocket extends Fields<(typeof RECORD_FIELDS)[number]>, SocketFd {
  readonly cookie: bigint;
  readonly endpoints: Uint8Array;
}

/** The fds of a process and what the kernel lists of their sockets, at one moment. */
export interface ProcessLook {
  readonly openFds: number;
  readonly fdsByKind: ReadonlyMap<FdKind, number>;
  /** Of the process, or of nobody. Without those that are only counted in `idle`. */
  readonly sockets: readonly ListedSocket[];
  /** Sockets of the process that are ESTABLISHED with empty queues. */
  readonly idle: number;
  /** Sockets of the process that are not listed: of other protocols, reset, never connected, or of another network namespace. */
  readonly unlisted: readonly SocketFd[];
}

/** TIME_WAIT has no fd. */
const STATES = Object.values(TcpState)
  .filter((state) => state !== TcpState.UNKNOWN && state !== TcpState.TIME_WAIT)
  .reduce((mask, state) => mask | stateBit(state), 0);
const SOCKET = FD_KINDS.indexOf('socket');
/**
 * Rows and idle sockets that fit at the first try, of all processes of the network namespace. A second try costs as much as the first,
 * and room that is not written to is no memory yet: the kernel gives pages when they are touched.
 */
const ROWS = 65_536;
const IDLE = 131_072;
/** Fds of a process, where the kernel does not tell. */
const FDS = 1_024;

/**
 * Looks into a process: some 3 µs for each of its fds and 1 µs for each socket of its network namespace.
 * @param all whether sockets that are ESTABLISHED with empty queues are told one by one, too
 * @throws Error CWG_ERR_SYSCALL: `syscall` and `errno` tell what is refused
 */
export function lookIntoProcess(binding: NativeBinding, pid: number, all = false): ProcessLook {
  let [fdRoom, rowRoom, idleRoom] = [fdCountOf(pid) + 64, ROWS, all ? 0 : IDLE];
  for (;;) {
    const fds = fdArrays(fdRoom);
    const listed = new Uint8Array(fdRoom);
    const rows = rowArrays(binding, DUMP_FIELDS.length, rowRoom);
    const fdOf = new Int32Array(rowRoom);
    const counts = new Float64Array(4);
    binding.lookInto(
      ...([
        pid,
        fds.fds,
        fds.kinds,
        fds.inodes,
        listed,
        STATES,
        rows.values,
        rows.cookies,
        rows.endpoints,
        fdOf,
      ] as const),
      ...([new Float64Array(idleRoom), counts, isElsewhere(pid) ? pid : 0] as const),
    );
    const [openFds = 0, found = 0, idle = 0, fits = 0] = counts;
    if (fits === 0) {
      // The next look may find more again, so leave room.
      fdRoom = Math.max(fdRoom, openFds * 2);
      rowRoom = Math.max(rowRoom, found * 2);
      if (!all) idleRoom = Math.max(idleRoom, idle * 2);
      continue;
    }
    const sockets = Array.from({ length: found }, (_, row) => ({
      ...rowAt(binding, DUMP_FIELDS, rows, row),
      fd: fdOf[row] ?? -1,
    }));
    return { openFds, fdsByKind: byKind(fds, openFds), sockets, idle, unlisted: socketsAmong(fds, openFds, listed) };
  }
}

/**
 * The open fds of a process alone, for where sock_diag is refused: all of its sockets are `unlisted`.
 * @throws Error CWG_ERR_SYSCALL where they are not shown
 */
export function listFdsOf(binding: NativeBinding, pid: number): ProcessLook {
  let room = fdCountOf(pid) + 64;
  for (;;) {
    const fds = fdArrays(room);
    const openFds = binding.listProcessFds(pid, fds.fds, fds.kinds, fds.inodes);
    if (openFds <= room) {
      return {
        ...{ openFds, fdsByKind: byKind(fds, openFds), sockets: [], idle: 0 },
        unlisted: socketsAmong(fds, openFds, new Uint8Array(room)),
      };
    }
    room = openFds * 2;
  }
}

/**
 * Reads those of these sockets that are TCP: each fd is duplicated into this process (pidfd_getfd(2)), read and closed at once. Sockets
 * of other protocols are left alone, and out of the result.
 * @throws Error CWG_ERR_SYSCALL where the process cannot be opened (pidfd_open(2), Linux 5.3)
 */
export function borrowSockets(binding: NativeBinding, pid: number, sockets: readonly SocketFd[]): BorrowedSocket[] {
  if (sockets.length === 0) return [];
  const rows = rowArrays(binding, RECORD_FIELDS.length, sockets.length);
  binding.readProcessSockets(
    ...([pid, Int32Array.from(sockets, ({ fd }) => fd), sockets.length] as const),
    ...([Float64Array.from(sockets, ({ inode }) => inode), rows.values, rows.cookies, rows.endpoints] as const),
  );
  return sockets
    .map((socket, row) => ({ ...rowAt(binding, RECORD_FIELDS, rows, row), ...socket }))
    .filter(({ errno }) => errno !== ANOTHER_PROTOCOL);
}

/** EPROTONOSUPPORT of Linux, which node:os does not have on all systems. */
const ANOTHER_PROTOCOL = 93;

/** Whether a process is in another network namespace. False where that is not shown. */
export function isElsewhere(pid: number): boolean {
  const [own, other] = [namespaceOf('self'), namespaceOf(pid)];
  return own !== undefined && other !== undefined && own !== other;
}

function namespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Linux 6.2 and later tell the number of open fds as the size of the folder. */
function fdCountOf(pid: number): number {
  try {
    return statSync(`/proc/${pid}/fd`).size || FDS;
  } catch {
    return FDS;
  }
}

interface FdArrays {
  readonly fds: Int32Array;
  readonly kinds: Uint8Array;
  readonly inodes: Float64Array;
}

function fdArrays(room: number): FdArrays {
  return { fds: new Int32Array(room), kinds: new Uint8Array(room), inodes: new Float64Array(room) };
}

function byKind({ kinds }: FdArrays, count: number): Map<FdKind, number> {
  const counts = new Uint32Array(FD_KINDS.length);
  for (const kind of kinds.subarray(0, count)) counts[kind]!++;
  return new Map(FD_KINDS.map((kind, i) => [kind, counts[i]!] as const).filter(([, found]) => found > 0));
}

function socketsAmong({ fds, kinds, inodes }: FdArrays, count: number, listed: Uint8Array): SocketFd[] {
  const found: SocketFd[] = [];
  for (let i = 0; i < count; i++) {
    if (kinds[i] === SOCKET && listed[i] === 0) found.push({ fd: fds[i]!, inode: inodes[i]! });
  }
  return found.sort((a, b) => a.fd - b.fd);
}

interface RowArrays {
  readonly values: Float64Array;
  readonly cookies: BigUint64Array;
  readonly endpoints: Uint8Array;
}

function rowArrays(binding: NativeBinding, columns: number, room: number): RowArrays {
  return {
    values: new Float64Array(room * columns),
    cookies: new BigUint64Array(room),
    endpoints: new Uint8Array(room * binding.endpointBytes),
  };
}

function rowAt<Name extends string>(
  { endpointBytes }: NativeBinding,
  fields: readonly Name[],
  { values, cookies, endpoints }: RowArrays,
  row: number,
): Fields<Name> & { readonly cookie: bigint; readonly endpoints: Uint8Array } {
  const entries = fields.map((field, column) => [field, values[row * fields.length + column] ?? -1] as const);
  return {
    ...(Object.fromEntries(entries) as Record<Name, number>),
    cookie: cookies[row] ?? 0n,
    endpoints: endpoints.slice(row * endpointBytes, (row + 1) * endpointBytes),
  };
}
