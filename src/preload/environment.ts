import { GuardError, inspectValue } from '../base/errors.js';
import { describeRange, integerIn, type IntegerRule, type Range } from '../base/options.js';
import { readRules, type IgnoreRule } from '../guard/ignore.js';
import { GUARD_OPTIONS, REDACTABLE, type Redactable } from '../guard/options.js';
import { LOG_LEVELS, type LogLevel } from './log-level.js';

/** What the preload reads from its environment. */
export interface PreloadSettings {
  readonly closeWaitTimeout: number;
  readonly sampleInterval: number;
  readonly reclaim: boolean;
  readonly redact: readonly Redactable[];
  readonly ignore: readonly IgnoreRule[];
  /** A file's path, appended to; undefined is stderr. */
  readonly log: string | undefined;
  readonly logLevel: LogLevel;
  readonly metricsPort: number | undefined;
  /** Whether the guard is reported to OpenTelemetry. */
  readonly otel: boolean;
  /** Path of the page that a person reads, at the metrics port. */
  readonly inspectorRoute: string | undefined;
  /** At this signal the open leaks are written to the log. */
  readonly signal: NodeJS.Signals | undefined;
}

/** Whose default Node and its debugger leave alone; an application's own listener runs too. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGUSR2', 'SIGHUP', 'SIGWINCH'];

type Warn = (name: string, message: string) => void;

/** Reads the settings. A value that cannot be taken is passed to `warn`, and its default is used. */
export function readEnvironment(environment: NodeJS.ProcessEnv, warn: Warn): PreloadSettings {
  /** A whole number; undefined when it is left out or cannot be taken. */
  const number = (name: string, range: Range, what: string, instead: string): number | undefined => {
    const text = environment[name];
    if (text === undefined || text === '') return undefined;
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (integerIn(value, range)) return value;
    warn(name, `${name} is ${inspectValue(text)}; it takes ${describeRange(range, what)}; ${instead}`);
    return undefined;
  };
  const option = (name: string, rule: IntegerRule): number =>
    number(name, rule.range, `a whole number of ${rule.unit}`, `${rule.default} is used`) ?? rule.default;
  const flag = (name: string): boolean => {
    const text = environment[name] ?? '';
    if (!['', '0', '1'].includes(text)) warn(name, `${name} is ${inspectValue(text)}; it takes 1 or 0; 0 is used`);
    return text === '1';
  };
  const path = environment.CLOSE_WAIT_GUARD_LOG;
  const metricsPort = number('CLOSE_WAIT_GUARD_METRICS_PORT', [1, 65_535], 'a port number', 'it is left out');
  return {
    closeWaitTimeout: option('CLOSE_WAIT_GUARD_TIMEOUT_MS', GUARD_OPTIONS.closeWaitTimeout),
    sampleInterval: option('CLOSE_WAIT_GUARD_INTERVAL_MS', GUARD_OPTIONS.sampleInterval),
    reclaim: flag('CLOSE_WAIT_GUARD_RECLAIM'),
    redact: readRedact(environment.CLOSE_WAIT_GUARD_REDACT ?? '', warn),
    ignore: readIgnore(environment.CLOSE_WAIT_GUARD_IGNORE ?? '', warn),
    log: path === '' ? undefined : path,
    logLevel: readLogLevel(environment.CLOSE_WAIT_GUARD_LOG_LEVEL ?? '', warn),
    otel: flag('CLOSE_WAIT_GUARD_OTEL'),
    metricsPort,
    inspectorRoute: readRoute(environment.CLOSE_WAIT_GUARD_INSPECTOR_ROUTE ?? '', metricsPort, warn),
    signal: readSignal(environment.CLOSE_WAIT_GUARD_SIGNAL ?? '', warn),
  };
}

/** In printable ASCII: it is compared with what a client sends. */
const ROUTE = /^\/[!-"$->@-~]{1,200}$/;

function readRoute(text: string, metricsPort: number | undefined, warn: Warn): string | undefined {
  const name = 'CLOSE_WAIT_GUARD_INSPECTOR_ROUTE';
  if (text === '') return undefined;
  const given = `${name} is ${inspectValue(text)}`;
  if (!ROUTE.test(text) || text === '/metrics') {
    warn(
      name,
      `${given}; it takes a path that starts with '/', as in /debug/sockets, and not /metrics; it is left out`,
    );
    return undefined;
  }
  if (metricsPort !== undefined) return text;
  warn(name, `${given}, and CLOSE_WAIT_GUARD_METRICS_PORT says no port to serve it at; it is left out`);
  return undefined;
}

function readSignal(text: string, warn: Warn): NodeJS.Signals | undefined {
  const name = 'CLOSE_WAIT_GUARD_SIGNAL';
  const signal = SIGNALS.find((each) => each === text);
  if (signal === undefined && text !== '')
    warn(name, `${name} is ${inspectValue(text)}; it takes ${SIGNALS.join(', ')}; it is left out`);
  return signal;
}

function readLogLevel(text: string, warn: Warn): LogLevel {
  const name = 'CLOSE_WAIT_GUARD_LOG_LEVEL';
  if (text === '') return 'info';
  if (Object.hasOwn(LOG_LEVELS, text)) return text as LogLevel;
  warn(name, `${name} is ${inspectValue(text)}; it takes ${Object.keys(LOG_LEVELS).join(', ')}; info is used`);
  return 'info';
}

/** Rules as in `route=/legacy/*,until=2027-01-31;cause=paused`. One that cannot be taken costs them all: more is told then, not less. */
function readIgnore(text: string, warn: Warn): readonly IgnoreRule[] {
  const name = 'CLOSE_WAIT_GUARD_IGNORE';
  const rules = text
    .split(';')
    .filter((rule) => rule.trim() !== '')
    .map((rule) => Object.fromEntries(rule.split(',').map(readPair)) as IgnoreRule);
  try {
    readRules(rules, 'rules');
    return rules;
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    const what = error.message.replace('close-wait-guard: ', '');
    warn(name, `${name} is ${inspectValue(text)}: ${what}; nothing is ignored`);
    return [];
  }
}

function readPair(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair.trim(), ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

/** A misspelt value leaves out everything: whoever asks for less to be logged must not get more. */
function readRedact(text: string, warn: Warn): readonly Redactable[] {
  const name = 'CLOSE_WAIT_GUARD_REDACT';
  if (text === '' || text === '0') return [];
  const wanted = text.split(',').map((part) => part.trim());
  const known = REDACTABLE.filter((part) => wanted.includes(part));
  if (text === '1' || known.length === wanted.length) return text === '1' ? REDACTABLE : known;
  warn(name, `${name} is ${inspectValue(text)}; it takes 1, 0 or ${REDACTABLE.join(',')}; 1 is used`);
  return REDACTABLE;
}
