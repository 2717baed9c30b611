import { constants } from 'node:os';
import { inspectValue } from '../../base/errors.js';
import { safeText } from '../../base/escape.js';
import { VERSION } from '../../base/version.js';
import { asksForHelp, meant, readArguments } from './arguments.js';
import { CLEAN, COULD_NOT_LOOK, type Command, type ExitStatus } from './command.js';
import { CommandError, UsageError } from './errors.js';
import { commandHelp, generalHelp } from './help.js';
import { openIo, type OpenIo } from './io.js';

/** Commands by their names, in the order of the help. */
export type Commands = ReadonlyMap<string, () => Promise<Command>>;

/** Runs what the arguments ask for. Never rejects: what goes wrong is one sentence on stderr, and a status. */
export async function runCommandLine(commands: Commands, args: readonly string[]): Promise<ExitStatus> {
  const [name, ...rest] = args;
  const io = openIo();
  try {
    if (name === undefined) {
      io.note(await helpOf(commands));
      return COULD_NOT_LOOK;
    }
    if (name === '--help' || name === '-h' || name === 'help') return print(io, await helpOf(commands));
    if (name === '--version' || name === '-V') return print(io, `${VERSION}\n`);
    const load = commands.get(name);
    if (!load) return fail(io, '', unknownCommand([...commands.keys()], name));
    return await runCommand(await load(), rest, io);
  } finally {
    io.close();
  }
}

async function helpOf(commands: Commands): Promise<string> {
  return generalHelp(await Promise.all(Array.from(commands.values(), (load) => load())));
}

async function runCommand(command: Command, args: readonly string[], io: OpenIo): Promise<ExitStatus> {
  if (asksForHelp(command, args)) return print(io, commandHelp(command));
  try {
    return await command.run(readArguments(command, args), io);
  } catch (error) {
    const signal = io.endedBy();
    // As a shell has it for a program that a signal ended.
    if (signal !== undefined) return 128 + constants.signals[signal];
    // Nobody reads what it writes: `… | head`.
    if (io.signal.aborted) return CLEAN;
    return fail(io, ` ${command.name}`, error);
  }
}

function print(io: OpenIo, text: string): ExitStatus {
  io.out(text);
  return CLEAN;
}

function fail(io: OpenIo, name: string, error: unknown): ExitStatus {
  // What is no sentence is a fault of this package: shown as it is, for somebody has to mend it.
  const text =
    error instanceof CommandError
      ? safeText(error.message)
      : error instanceof Error
        ? error.stack
        : inspectValue(error);
  io.note(`close-wait-guard${name}: ${text}\n`);
  if (error instanceof UsageError) io.note(`close-wait-guard${name} --help says how it is used\n`);
  return COULD_NOT_LOOK;
}

function unknownCommand(names: readonly string[], name: string): UsageError {
  const what = name.startsWith('-') ? 'option' : 'command';
  return new UsageError(
    `there is no ${what} ${inspectValue(name)}; the commands are ${names.join(', ')}${meant(name, names)}`,
  );
}
