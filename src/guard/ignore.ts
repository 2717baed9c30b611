import { isDate } from 'node:util/types';
import { parseMoment, wallClockMs } from '../base/clock.js';
import { badOption } from '../base/errors.js';
import { isRecord } from '../base/objects.js';
import { oneOf, option, readOptions, type OptionRule } from '../base/options.js';
import { LEAK_CAUSES, type LeakCause } from '../base/vocabulary.js';
import { routePattern, ROUTE_PATTERN_TAKES, wildcard } from '../base/wildcard.js';
import type { LeakReport } from '../leaks/report.js';
import { warnIgnoreEnded } from './warnings.js';

/** Leaks that are known, and not to be told of. All that is given has to fit; at least one of the first five is given. */
export interface IgnoreRule {
  /** The route as reports have it, `*` for any characters; with a method in front only its requests, as in `POST /items/:id`. */
  route?: string | undefined;
  cause?: LeakCause | undefined;
  /** As reports have it, `*` for any characters. */
  server?: string | undefined;
  /** Outbound: as reports have it, `*` for any characters, as in `http://inventory:8080/*`. */
  destination?: string | undefined;
  /** Of a report: leaks that are equal to it. */
  fingerprint?: string | undefined;
  /**
   * When the rule ends: a Date, an ISO date as in `2027-01-31` (its first moment, UTC), or one with a time and a zone. From then
   * on its leaks are told again, those that are open too, and a process warning says so once. @default never
   */
  until?: string | Date | undefined;
}

/** What a rule asks of a leak. */
export type Ignorable = Pick<LeakReport, 'cause' | 'method' | 'route' | 'server' | 'destination' | 'fingerprint'>;

/** An {@link IgnoreRule} that was read. */
export interface ReadRule {
  /** As a warning names it. */
  readonly text: string;
  /** ms since 1970; Infinity when it never ends. */
  readonly untilMs: number;
  readonly fits: (leak: Ignorable) => boolean;
}

type Fits = ReadRule['fits'];

const text = option<string | undefined>(
  'a text, with * for any characters',
  undefined,
  (value) => typeof value === 'string' && value.length > 0,
);

const RULE = Object.freeze({
  route: option<string | undefined>(ROUTE_PATTERN_TAKES, undefined, (value) => routePattern(value) !== undefined),
  cause: { ...oneOf(LEAK_CAUSES, 'unknown'), default: undefined } as OptionRule<LeakCause | undefined>,
  server: text,
  destination: text,
  fingerprint: option<string | undefined>(
    'a fingerprint of a report, 12 hexadecimal digits',
    undefined,
    (value) => typeof value === 'string' && /^[0-9a-f]{12}$/.test(value),
  ),
  until: option<string | Date | undefined>(
    `a Date, a date as in '2027-01-31' (its first moment, UTC), or one with a time and a zone as in '2027-01-31T09:00Z'`,
    undefined,
    (value) => !Number.isNaN(momentOf(value)),
  ),
} satisfies Record<keyof IgnoreRule, OptionRule<unknown>>);

const NAMES = Object.keys(RULE) as (keyof IgnoreRule)[];
const RULE_TAKES = `an object { ${NAMES.join(', ')} } with one of the first five`;
const TAKES = 'an array of rules { route, cause, server, destination, fingerprint, until }';

export const IGNORE_OPTION: OptionRule<readonly ReadRule[]> = { default: [], takes: TAKES, read: readRules };

/** @throws GuardError CWG_ERR_OPTION naming what is wrong, as in `ignore[1].until` */
export function readRules(given: unknown, name: string): readonly ReadRule[] {
  if (!Array.isArray(given)) throw badOption(name, given, TAKES);
  return given.map((rule: unknown, index) => readRule(rule, `${name}[${index}]`));
}

export function readRule(given: unknown, name: string): ReadRule {
  if (!isRecord(given)) throw badOption(name, given, RULE_TAKES);
  const { route, cause, server, destination, fingerprint, until } = readOptions(RULE, given, `${name}.`);
  const parts: readonly (readonly [name: string, value: string | undefined, fits: Fits | undefined])[] = [
    ['route', route, routePattern(route)],
    ['cause', cause, (leak) => leak.cause === cause],
    ['server', server, fitsIn('server', server)],
    ['destination', destination, fitsIn('destination', destination)],
    ['fingerprint', fingerprint, (leak) => leak.fingerprint === fingerprint],
  ];
  const asked = parts.filter(([, value]) => value !== undefined);
  // It would be the end of every report.
  if (asked.length === 0) throw badOption(name, given, `${RULE_TAKES}: this one fits every leak`);
  return {
    text: `${name} (${asked.map(([part, value]) => `${part} ${value}`).join(', ')})`,
    untilMs: until === undefined ? Number.POSITIVE_INFINITY : momentOf(until),
    fits: (leak) => asked.every(([, , fits]) => fits?.(leak) === true),
  };
}

function fitsIn(part: 'server' | 'destination', pattern: string | undefined): Fits {
  const fits = wildcard(pattern ?? '');
  return (leak) => fits(leak[part]);
}

/** A date, or a date with a time and its zone: what has no zone means another moment on each machine. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** NaN when it is none; a day that no month has is none. */
function momentOf(value: unknown): number {
  if (isDate(value)) return value.getTime();
  const [moment, year, month, day] = (typeof value === 'string' ? ISO.exec(value) : null) ?? [];
  return moment === undefined || Number(day) > daysIn(Number(year), Number(month)) ? Number.NaN : parseMoment(moment);
}

/** 0 when there is no such month. */
function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}

/** Whether a rule that has not ended fits. One that has ended, and would, is warned of. */
export function isIgnored(rules: readonly ReadRule[], leak: Ignorable, nowMs = wallClockMs()): boolean {
  return rules.some((rule) => {
    if (!rule.fits(leak)) return false;
    if (nowMs < rule.untilMs) return true;
    warnIgnoreEnded(rule.text, rule.untilMs);
    return false;
  });
}

/** The rules of one guard, which end one after another. */
export class IgnoreRules {
  #rules: readonly ReadRule[];
  #nextEndMs: number;

  constructor(rules: readonly ReadRule[]) {
    this.#rules = rules;
    this.#nextEndMs = nextEnd(rules);
  }

  get none(): boolean {
    return this.#rules.length === 0;
  }

  has(leak: Ignorable): boolean {
    return isIgnored(this.#rules, leak);
  }

  /** Whether any has ended since this was last asked: then it is warned of, and what it kept back is to be told. */
  takeEnded(): boolean {
    const nowMs = this.#nextEndMs === Number.POSITIVE_INFINITY ? 0 : wallClockMs();
    if (nowMs < this.#nextEndMs) return false;
    for (const { text: rule, untilMs } of this.#rules) if (untilMs <= nowMs) warnIgnoreEnded(rule, untilMs);
    this.#rules = this.#rules.filter(({ untilMs }) => untilMs > nowMs);
    this.#nextEndMs = nextEnd(this.#rules);
    return true;
  }
}

function nextEnd(rules: readonly ReadRule[]): number {
  return Math.min(...rules.map(({ untilMs }) => untilMs));
}
