import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../kernel/self-check.js';
import { packageFile } from '../frame/package-file.js';
import { COULD_NOT_LOOK, type Command, type ExitStatus } from '../frame/command.js';
import { CommandError, UsageError } from '../frame/errors.js';

/** What a terminal sends to every process in its foreground: the program has it already. */
const OF_TERMINALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGHUP'];
const PASSED_ON: readonly NodeJS.Signals[] = [...OF_TERMINALS, 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'];

export const run: Command = {
  name: 'run',
  summary: 'Starts a program with the guard preloaded.',
  usage: '[Node options] <file> [arguments]',
  options: {},
  passesOn: true,
  help: () => `
Starts \`node --import close-wait-guard/register\` with what follows: each leak is a line on the program's stderr.
Settings come from the environment, as CLOSE_WAIT_GUARD_TIMEOUT_MS=5000 (docs/preload.md lists them); NODE_OPTIONS
counts as ever. Signals are passed on, and it ends as the program ends: with its exit status, or by its signal.`,
  run: async ({ positionals }): Promise<ExitStatus> => {
    if (positionals.length === 0) throw new UsageError('it takes a file to run, and got none');
    const register = pathToFileURL(packageFile(path.join('dist', 'register.js'))).href;
    const { status, signal } = await start(['--import', register, ...positionals]);
    if (signal === null) return status ?? COULD_NOT_LOOK;
    // Ended by a signal itself, so that who started it sees how the program ended.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    return 128 + constants.signals[signal];
  },
};

function start(args: readonly string[]): Promise<{ status: number | null; signal: NodeJS.Signals | null }> {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const passOn = (signal: NodeJS.Signals): void => {
    if (!atTerminal || !OF_TERMINALS.includes(signal)) child.kill(signal);
  };
  for (const signal of PASSED_ON) process.on(signal, passOn);
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new CommandError(`${process.execPath} could not be started: ${messageOf(error)}`)),
    );
    child.once('exit', (status, signal) => {
      for (const each of PASSED_ON) process.off(each, passOn);
      resolve({ status, signal });
    });
  });
}
