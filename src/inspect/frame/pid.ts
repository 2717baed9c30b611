import { existsSync } from 'node:fs';
import { inspectValue } from '../../base/errors.js';
import { integerIn } from '../../base/options.js';
import { CommandError, UsageError } from './errors.js';

/** PID_MAX_LIMIT of a 64-bit Linux. */
const MAX_PID = 4_194_304;

/**
 * A pid as somebody wrote it, of a process that runs.
 * @throws UsageError where it is none, CommandError where no process has it
 */
export function readPid(text: string): number {
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!integerIn(pid, [1, MAX_PID])) {
    throw new UsageError(`${inspectValue(text)} is no pid; it takes a whole number from 1 to ${MAX_PID}`);
  }
  if (!existsSync('/proc/self/stat')) {
    throw new CommandError(
      'there is no /proc here, and processes are looked at through it (it needs Linux with /proc mounted)',
    );
  }
  if (!existsSync(`/proc/${pid}`)) throw noSuchProcess(pid);
  return pid;
}

/** For a process that was there before, too: it may end at any moment. */
export function noSuchProcess(pid: number): CommandError {
  return new CommandError(
    `there is no process ${pid} here (it has ended, or it is in a PID namespace that cannot be seen from here)`,
  );
}
