import { userInfo } from 'node:os';
import { commandOf } from '../../kernel/process-command.js';
import { fieldOf, fileOf } from '../attach/process-files.js';
import { CommandError } from '../frame/errors.js';
import { noSuchProcess } from '../frame/pid.js';

/** Who a process is, as everybody may read it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As in `node server.js`; see kernel/process-command.ts. */
  readonly program: string;
  /** The effective user. */
  readonly uid: number;
  /** In clock ticks since the machine started: another process that gets the pid later has another. */
  readonly startedAt: string;
}

/** Limits of open files (RLIMIT_NOFILE, getrlimit(2)); Infinity where there is none, undefined where they are not shown. */
export interface FdLimits {
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

/**
 * Reads who has a pid.
 * @throws CommandError where there is nothing to look into: it has ended, is a zombie, a thread, or the kernel's own
 */
export function identifyProcess(pid: number): ProcessIdentity {
  const status = fileOf(pid, 'status');
  const stat = fileOf(pid, 'stat');
  if (status === undefined || stat === undefined) throw noSuchProcess(pid);
  const group = Number(fieldOf(status, 'Tgid'));
  if (group !== pid) {
    throw new CommandError(`${pid} is a thread of the process ${group}; pass that pid`);
  }
  const program = commandOf(pid) ?? 'a process without a name';
  const state = fieldOf(status, 'State') ?? '';
  if (/^[ZX]/.test(state)) {
    throw new CommandError(
      `process ${pid} (${program}) has ended and has no fd any more: its parent, process ${fieldOf(status, 'PPid') ?? '?'}, has not waited for it`,
    );
  }
  // Linux 6.8 and later say so; a process of user space has memory of its own.
  if (fieldOf(status, 'Kthread') === '1' || fieldOf(status, 'VmSize') === undefined) {
    throw new CommandError(`process ${pid} (${program}) is a thread of the kernel: it has no fds`);
  }
  const uid = Number(fieldOf(status, 'Uid')?.split(/\s+/)[1] ?? Number.NaN);
  return { pid, program, uid, startedAt: fieldsOfStat(stat)[19] ?? '' };
}

/** Whether the pid is still this process's. */
export function isStill({ pid, startedAt }: ProcessIdentity): boolean {
  return fieldsOfStat(fileOf(pid, 'stat') ?? '')[19] === startedAt;
}

/** What the main thread of a process has done so far: the one that runs the event loop, where there is one. */
export interface MainThread {
  /** By SIGSTOP, or by who traces it. */
  readonly isStopped: boolean;
  /** On a processor or waiting for one, or for a disk (uninterruptibly), at this moment. */
  readonly isRunning: boolean;
  /** How often it has waited for something so far (voluntary_ctxt_switches). */
  readonly waits: number;
}

export function mainThreadOf(pid: number): MainThread {
  const status = fileOf(pid, `task/${pid}/status`) ?? '';
  const state = fieldOf(status, 'State') ?? '';
  return {
    isStopped: /^[Tt]/.test(state),
    isRunning: /^[RD]/.test(state),
    waits: Number(fieldOf(status, 'voluntary_ctxt_switches')),
  };
}

export function fdLimitsOf(pid: number | 'self'): FdLimits {
  const line = /^Max open files\s+(\S+)\s+(\S+)/m.exec(fileOf(pid, 'limits') ?? '');
  return { soft: limit(line?.[1]), hard: limit(line?.[2]) };
}

function limit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

/** From the third on (proc_pid_stat(5)): the second is the program's name in parentheses, which may contain anything. */
function fieldsOfStat(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** As in `uid 65534`, or of the own user with its name. */
export function userText(uid: number): string {
  try {
    const own = userInfo();
    return own.uid === uid ? `uid ${uid} (${own.username})` : `uid ${uid}`;
  } catch {
    // A container may have no line of it in /etc/passwd.
    return `uid ${uid}`;
  }
}
