import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { noSuchProcess } from '../frame/pid.js';

/** What /proc/PID/status has of a process, see proc_pid_status(5). */
export interface ProcessStatus {
  /** The four of them: real, effective, saved, of the file system. */
  readonly uids: readonly number[];
  /** The signals that it catches, as bits: 1 << (number - 1). */
  readonly caught: bigint;
  /** Its pid in each namespace, the outermost that can be seen from here first. */
  readonly pids: readonly number[];
  /** As in `S` or `T` (stopped), `Z` (zombie). */
  readonly state: string;
}

/** @throws CommandError where the process is gone */
export function statusOf(pid: number): ProcessStatus {
  const text = fileOf(pid, 'status');
  if (text === undefined) throw noSuchProcess(pid);
  const line = (name: string): string => fieldOf(text, name) ?? '';
  return {
    uids: line('Uid').split(/\s+/).map(Number),
    caught: BigInt(`0x${line('SigCgt') || '0'}`),
    pids: line('NSpid').split(/\s+/).filter(Boolean).map(Number),
    state: line('State').slice(0, 1),
  };
}

/** A line of a text such as that of /proc/PID/status, without its name. */
export function fieldOf(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
}

/** A file of /proc/PID; undefined where it cannot be read. */
export function fileOf(pid: number | 'self', file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It has ended, or its owner is another one.
    return undefined;
  }
}

/** A link of /proc/PID, as in `exe` or `ns/net`; undefined where it cannot be read. */
export function linkOf(pid: number | 'self', link: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${link}`);
  } catch {
    return undefined;
  }
}

/** Its arguments and environment, as it was started; empty where they cannot be read. */
export function argumentsOf(pid: number): readonly string[] {
  return fileOf(pid, 'cmdline')?.split('\0').slice(0, -1) ?? [];
}

export function environmentOf(pid: number, name: string): string | undefined {
  const entry = fileOf(pid, 'environ')
    ?.split('\0')
    .find((each) => each.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

/** The inodes of its sockets; undefined where its fds may not be looked at. */
export function socketInodesOf(pid: number): ReadonlySet<number> | undefined {
  try {
    const inodes = readdirSync(`/proc/${pid}/fd`).map(
      (fd) => /^socket:\[(\d+)\]$/.exec(linkOf(pid, `fd/${fd}`) ?? '')?.[1],
    );
    return new Set(inodes.filter((inode) => inode !== undefined).map(Number));
  } catch {
    return undefined;
  }
}

/** Pids of the processes that it has started and that run. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(
      (thread) => fileOf(pid, `task/${thread}/children`)?.split(' ').filter(Boolean).map(Number) ?? [],
    );
  } catch {
    return [];
  }
}

/** Whether both names are one file: the roots of two mount namespaces may have other files at the same path. */
export function isSameFile(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}

/** The pids that /proc shows. */
export function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
