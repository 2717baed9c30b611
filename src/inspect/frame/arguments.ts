import { parseArgs, type ParseArgsConfig } from 'node:util';
import { inspectValue } from '../../base/errors.js';
import { nearestOf } from '../../base/nearest.js';
import { describeRange, integerIn, type Range } from '../../base/options.js';
import type { Command, CommandArguments } from './command.js';
import { UsageError } from './errors.js';

/** Whether the help is asked for, whatever else stands there. */
export function asksForHelp(command: Command, args: readonly string[]): boolean {
  const own = command.passesOn ? args.slice(0, 1) : args.slice(0, endOfOptions(args));
  return own.some((arg) => arg === '--help' || arg === '-h');
}

/** @throws UsageError naming the option that is unknown, lacks its value or takes none */
export function readArguments(command: Command, args: readonly string[]): CommandArguments {
  if (command.passesOn) return { positionals: args, values: {} };
  const options: ParseArgsConfig['options'] = {};
  for (const [name, { type, short }] of Object.entries(command.options)) {
    options[name] = short === undefined ? { type } : { type, short };
  }
  // Not strict: what is wrong is said in this package's own words, with the name that was meant.
  const { positionals, values, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const spec = command.options[token.name];
    if (!spec) throw unknownOption(command, token.name, token.rawName);
    const takesNext = token.value?.startsWith('-') === true && token.inlineValue !== true;
    if (spec.type === 'string' && (token.value === undefined || token.value === '' || takesNext)) {
      throw new UsageError(`${token.rawName} takes a value: ${token.rawName} ${spec.value ?? 'VALUE'}`);
    }
    if (spec.type === 'boolean' && token.value !== undefined) {
      throw new UsageError(`${token.rawName} takes no value, and got ${inspectValue(token.value)}`);
    }
  }
  return { positionals, values };
}

/**
 * An option that is a whole number; `initial` where it was left out.
 * @throws UsageError naming the option, what it got and what it takes
 */
export function readNumber(args: CommandArguments, name: string, range: Range, unit: string, initial: number): number {
  const text = args.values[name];
  if (typeof text !== 'string') return initial;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (integerIn(value, range)) return value;
  throw new UsageError(
    `--${name} is ${inspectValue(text)}; it takes ${describeRange(range, `a whole number of ${unit}`)}`,
  );
}

/**
 * The one argument of a command that takes one.
 * @param what as in `the pid of a process`
 * @throws UsageError where there is none, or more
 */
export function onlyPositional({ positionals }: CommandArguments, what: string): string {
  const [first, second] = positionals;
  if (first === undefined) throw new UsageError(`it takes ${what}, and got none`);
  if (second !== undefined) throw new UsageError(`it takes ${what}, and got ${positionals.length} arguments`);
  return first;
}

/** As in `; did you mean inspect?`, or nothing. */
export function meant(written: string, known: readonly string[]): string {
  const nearest = nearestOf(written, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

function unknownOption(command: Command, name: string, written: string): UsageError {
  const names = [...Object.keys(command.options), 'help'].map((known) => `--${known}`);
  return new UsageError(
    `there is no option ${inspectValue(written)}; the options are ${names.join(', ')}${meant(`--${name}`, names)}`,
  );
}

/** What stands behind `--` is no option. */
function endOfOptions(args: readonly string[]): number {
  const end = args.indexOf('--');
  return end === -1 ? args.length : end;
}
