import { closeSync, openSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { commandOf } from '../../kernel/process-command.js';
import { CommandError } from '../frame/errors.js';
import { packageFile } from '../frame/package-file.js';
import { noSuchProcess } from '../frame/pid.js';
import { argumentsOf, childrenOf, environmentOf, fileOf, isSameFile, linkOf, statusOf } from './process-files.js';

/** A process that may be looked into. */
export interface Target {
  readonly pid: number;
  /** As in `node server.js`. */
  readonly command: string;
  /** Node's options that it was started with, those of NODE_OPTIONS first. */
  readonly options: readonly string[];
  /** It catches SIGUSR1, and nothing says that Node does not: only then it may be sent. */
  readonly opensAtSignal: boolean;
}

/** What Node's inspector calls the process that it debugs; other runtimes call themselves otherwise. In every build with an inspector. */
const SIGNATURE = Buffer.from('node.js instance');
const DISABLED = /^--disable-sigusr1(?:=true)?$/;

/**
 * Whether a process may be looked into. Reads /proc, and does nothing to the process.
 * @throws CommandError why it may not, or which right is missing
 */
export function readTarget(pid: number): Target {
  if (pid === process.pid) throw new CommandError('that is this very command');
  const { uids, caught, state, pids } = statusOf(pid);
  const command = commandOf(pid) ?? `process ${pid}`;
  if (state === 'Z') throw new CommandError(`process ${pid} has ended (its parent has not asked for its status yet)`);
  checkOwner(pid, command, uids);
  checkNamespaces(pid, pids);
  checkIsNode(pid, command);
  if (state === 'T' || state === 't')
    throw new CommandError(
      `process ${pid} (${command}) is stopped (SIGSTOP, or a debugger): kill -CONT ${pid} lets it go on`,
    );
  const options = [...(environmentOf(pid, 'NODE_OPTIONS')?.split(/\s+/) ?? []), ...nodeOptionsIn(argumentsOf(pid))];
  const catches = (caught & (1n << BigInt(constants.signals.SIGUSR1 - 1))) !== 0n;
  return { pid, command, options, opensAtSignal: catches && !options.some((option) => DISABLED.test(option)) };
}

/** Why SIGUSR1 must not be sent: it would end the process, or do nothing. */
export function whyNoSignal({ pid, command, options }: Target): string {
  if (options.some((option) => DISABLED.test(option))) {
    return `process ${pid} (${command}) was started with --disable-sigusr1: nothing can open its inspector from outside`;
  }
  return `process ${pid} (${command}) does not catch SIGUSR1, and would die of it: it is still starting, runs with --permission, or was built without the inspector`;
}

function checkOwner(pid: number, command: string, uids: readonly number[]): void {
  const ours = process.geteuid?.();
  if (uids.every((uid) => uid === ours)) return;
  const theirs = uids[1] ?? uids[0];
  throw new CommandError(
    `process ${pid} (${command}) belongs to uid ${theirs}, and this command runs as uid ${ours}: ` +
      (ours === 0
        ? `run it as that user, as with setpriv --reuid=${theirs} --clear-groups npx close-wait-guard attach ${pid}`
        : `run it as that user`),
  );
}

function checkNamespaces(pid: number, pids: readonly number[]): void {
  const differs = (name: string): boolean => {
    const theirs = linkOf(pid, `ns/${name}`);
    return theirs !== undefined && theirs !== linkOf('self', `ns/${name}`);
  };
  const others = [
    differs('pid') && 'PID',
    differs('net') && 'network',
    differs('mnt') && !seesOurFiles(pid) && 'mount',
  ].filter((name) => name !== false);
  if (others.length === 0) return;
  throw new CommandError(
    `process ${pid} is in a container (${others.join(' and ')} namespace of its own): its inspector listens, and its files are, where this command is not. ` +
      `Run it inside, as with docker exec or kubectl exec, or nsenter --target ${pid} --all npx close-wait-guard attach ${pids.at(-1) ?? pid}`,
  );
}

/** What is loaded into the target is loaded by its path there. */
function seesOurFiles(pid: number): boolean {
  const inside = insideFile();
  return isSameFile(inside, path.join(`/proc/${pid}/root`, inside));
}

function checkIsNode(pid: number, command: string): void {
  const exe = linkOf(pid, 'exe');
  if (exe === undefined) {
    if (fileOf(pid, 'status') === undefined) throw noSuchProcess(pid);
    throw new CommandError(
      `process ${pid} (${command}) does not show what it runs (/proc/${pid}/exe): it is no program, or the right to trace it is missing (CAP_SYS_PTRACE)`,
    );
  }
  // The one that runs this command is known.
  if (isSameFile(process.execPath, `/proc/${pid}/exe`)) return;
  const libraries = (fileOf(pid, 'maps') ?? '')
    .split('\n')
    .flatMap((line) => /\s(\/.*\/libnode\.so[.\d]*)$/.exec(line)?.[1] ?? []);
  // Its own view of the file, also where it was replaced or removed since.
  const files = [`/proc/${pid}/exe`, ...new Set(libraries)].map((file) =>
    file.startsWith('/proc/') ? file : `/proc/${pid}/root${file}`,
  );
  if (files.some(hasSignature)) return;
  throw new CommandError(
    `process ${pid} (${command}) is no Node.js (${path.basename(exe)}): close-wait-guard inspect ${pid} looks at it from outside`,
  );
}

/** What is loaded in the target. */
export function insideFile(): string {
  return packageFile(path.join('dist', 'cjs', 'inspect', 'inside', 'index.js'));
}

const CHUNK = 4 * 1024 * 1024;

function hasSignature(file: string): boolean {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return false;
  }
  try {
    const buffer = Buffer.allocUnsafe(CHUNK + SIGNATURE.length);
    let kept = 0;
    for (;;) {
      const read = readSync(fd, buffer, kept, CHUNK, null);
      if (read === 0) return false;
      const part = buffer.subarray(0, kept + read);
      if (part.includes(SIGNATURE)) return true;
      // It may stand across the border of two chunks.
      kept = Math.min(SIGNATURE.length, part.length);
      part.copy(buffer, 0, part.length - kept);
    }
  } finally {
    closeSync(fd);
  }
}

/** Node's own options on a command line: what stands before the program's file. */
function nodeOptionsIn([, ...args]: readonly string[]): string[] {
  const end = args.findIndex((arg) => !arg.startsWith('-'));
  return args.slice(0, end === -1 ? args.length : end);
}

/** The workers of a cluster of which this is the primary, as far as they may be looked into. */
export function clusterWorkersOf({ pid }: Target): Target[] {
  return childrenOf(pid)
    .filter((child) => environmentOf(child, 'NODE_UNIQUE_ID') !== undefined)
    .map(readTarget);
}
