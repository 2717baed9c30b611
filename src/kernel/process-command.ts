import { readFileSync, readlinkSync } from 'node:fs';

/** Characters of each word. */
const MAX_LENGTH = 60;
/** How much of the arguments is read: a command line may be as long as 2 MB. */
const MAX_READ = 4_096;

/** A file that an interpreter runs. */
const SCRIPT = /\.(?:[cm]?[jt]sx?|py|rb|pl|sh|php|lua|tcl|jar)$/;
/** Options of Node that take the next argument for their value. */
const TAKES_VALUE: ReadonlySet<string> = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--env-file',
  '--title',
]);
/** The program is an argument itself. */
const TAKES_PROGRAM = /^(?:-[ecp]|-pe|--eval|--print)$/;

/**
 * What a process is called: `node worker.js`, or `sleep`. Its executable and, where its first argument is a script, that, both
 * without their folders. No other argument: passwords stand there. Where the process has written a title over its arguments, the
 * file that it runs (proc_pid_exe(5)), else the name that the kernel has for it (proc_pid_comm(5)). Printable ASCII. Undefined where /proc does not tell.
 */
export function commandOf(pid: number): string | undefined {
  const [program = '', ...rest] = read(pid, 'cmdline')?.split('\0') ?? [];
  const name = /\s/.test(program) ? '' : baseName(program);
  if (name === '') return word(executableOf(pid) ?? read(pid, 'comm')?.trim() ?? '');
  const script = scriptOf(rest);
  return [word(name), script === undefined ? undefined : word(script)].filter(Boolean).join(' ');
}

function scriptOf(words: readonly string[]): string | undefined {
  for (let i = 0; i < words.length; i++) {
    const argument = words[i]!;
    if (TAKES_PROGRAM.test(argument)) return undefined;
    if (TAKES_VALUE.has(argument)) i++;
    else if (!argument.startsWith('-')) return SCRIPT.test(argument) ? baseName(argument) : undefined;
  }
  return undefined;
}

const baseName = (file: string): string => file.slice(file.lastIndexOf('/') + 1);

function word(text: string): string | undefined {
  const printable = text.replace(/[^\w.+@:-]/g, '?');
  if (printable === '') return undefined;
  return printable.length > MAX_LENGTH ? `${printable.slice(0, MAX_LENGTH)}...` : printable;
}

function executableOf(pid: number): string | undefined {
  try {
    return baseName(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    // Another user's, or a thread of the kernel.
    return undefined;
  }
}

function read(pid: number, file: 'cmdline' | 'comm'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1').slice(0, MAX_READ);
  } catch {
    // It has ended, or /proc is not for us.
    return undefined;
  }
}
