import { VERSION } from '../../base/version.js';
import type { Command, OptionSpec } from './command.js';

const NAME = 'close-wait-guard';

const STATUS = `Exit status: 0 clean, 1 leaks, 2 it could not look (the sentence on stderr says which right is missing).`;

/** The help of the command itself. */
export function generalHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, usage, summary }) => [`${name} ${usage}`.trim(), summary] as const);
  return lines(
    `${NAME} ${VERSION}: finds the TCP sockets that a process leaks, and says which, whose and why.`,
    '',
    `Usage: ${NAME} <command> [arguments]`,
    '',
    ...twoColumns(rows),
    '',
    `${NAME} <command> --help says more of each; --version prints the version.`,
    STATUS,
  );
}

/** The help of a sub-command. */
export function commandHelp(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => [written(name, option), option.help] as const);
  return lines(
    `Usage: ${NAME} ${command.name} ${command.usage}`.trimEnd(),
    '',
    command.help().trim(),
    '',
    'Options:',
    ...twoColumns([...rows, ['-h, --help', 'This text.']]),
  );
}

function written(name: string, { short, type, value }: OptionSpec): string {
  const long = `--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function lines(...each: string[]): string {
  return `${each.join('\n')}\n`;
}
