import { badOption, GuardError, inspectValue } from './errors.js';
import { nearestOf } from './nearest.js';
import { isRecord } from './objects.js';

/** One option: what it is when left out, which values it takes in words, and how a value is read. */
export interface OptionRule<T> {
  readonly default: T;
  /** As an error says it: `it takes ${takes}`. */
  readonly takes: string;
  /** @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes */
  readonly read: (value: unknown, name: string) => T;
}

/** The options of one function, in the order in which an error lists them. */
export type OptionTable = Readonly<Record<string, OptionRule<unknown>>>;

/** What {@link readOptions} makes of a table. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends OptionRule<infer T> ? T : never;
};

/**
 * Reads options by their table. Undefined is the same as left out; null is a value.
 * @param path put before the names of nested options, as in `reclaim.`
 * @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes
 */
export function readOptions<Table extends OptionTable>(table: Table, given: unknown, path = ''): OptionValues<Table> {
  checkOptionNames(given, Object.keys(table), path);
  const values = Object.entries(table).map(([name, rule]) => {
    const value = (given as Record<string, unknown>)[name];
    return [name, value === undefined ? rule.default : rule.read(value, `${path}${name}`)];
  });
  return Object.freeze(Object.fromEntries(values) as OptionValues<Table>);
}

export function defaultsOf<Table extends OptionTable>(table: Table): OptionValues<Table> {
  return Object.freeze(
    Object.fromEntries(Object.entries(table).map(([name, rule]) => [name, rule.default])) as OptionValues<Table>,
  );
}

/**
 * @param meantBy which known name a wrong one stands for
 * @throws GuardError CWG_ERR_OPTION when `options` is not an object, or has a name that is not among `known`
 */
export function checkOptionNames(
  options: unknown,
  known: Iterable<string>,
  path = '',
  meantBy: (name: string, known: readonly string[]) => string | undefined = nearestOf,
): void {
  if (!isRecord(options)) {
    throw new GuardError('CWG_ERR_OPTION', `close-wait-guard: options is ${inspectValue(options)}; it takes an object`);
  }
  const names = [...known];
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const meant = meantBy(unknown, names);
  throw new GuardError(
    'CWG_ERR_OPTION',
    `close-wait-guard: there is no option ${inspectValue(`${path}${unknown}`)}; the options are ${names.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  );
}

/** An option whose value is used as it is. */
export function option<T>(takes: string, initial: T, accepts: (value: unknown) => boolean): OptionRule<T> {
  return {
    default: initial,
    takes,
    read: (value, name) => {
      if (!accepts(value)) throw badOption(name, value, takes);
      return value as T;
    },
  };
}

export type Range = readonly [min: number, max: number];

/** A whole number; the environment of the preload reads the range, too. */
export interface IntegerRule extends OptionRule<number> {
  readonly range: Range;
  /** As in `milliseconds`. */
  readonly unit: string;
}

/** @param zero what 0 stands for, where it is taken beside the range */
export function integer(unit: string, range: Range, initial: number, zero?: string): IntegerRule {
  const takes = `${describeRange(range, `a whole number of ${unit}`)}${zero === undefined ? '' : `, or 0 ${zero}`}`;
  const accepts = (value: unknown): boolean => integerIn(value, range) || (zero !== undefined && value === 0);
  return { ...option(takes, initial, accepts), range, unit };
}

export function integerIn(value: unknown, [min, max]: Range): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

/** As in `a whole number of milliseconds from 1 to 100`. */
export function describeRange([min, max]: Range, what: string): string {
  return `${what} from ${min} to ${max}`;
}

export function boolean(initial: boolean): OptionRule<boolean> {
  return option('true or false', initial, (value) => typeof value === 'boolean');
}

/** One of a closed set of words. */
export function oneOf<T extends string>(values: readonly T[], initial: T): OptionRule<T> {
  return option(values.map((value) => `'${value}'`).join(' or '), initial, (value) => values.includes(value as T));
}

/** @param signature as in `(leak) => boolean` */
export function callback<F>(signature: string): OptionRule<F | undefined> {
  return option<F | undefined>(`a function ${signature}`, undefined, (value) => typeof value === 'function');
}
