import { inspect } from 'node:util';
import { momentText } from '../base/clock.js';
import { shared } from '../base/shared-state.js';
import type { GuardOperation } from './stats.js';

const said = shared('said', () => new Set<string>());

/** Warns once in this thread that nothing is watched, and why. */
export function warnUnsupported(reason: string): void {
  once('CWG_WARN_UNSUPPORTED', `close-wait-guard watches no sockets here: ${reason}. The application is not affected.`);
}

/** Warns once for each operation that a failure was kept from the application; `stats().errors` has the count. */
export function warnFailure(operation: GuardOperation, error: unknown): void {
  const what = textOf(error);
  const where =
    operation === 'callback'
      ? 'a callback given to the guard threw'
      : operation === 'fact'
        ? 'something of a socket could not be read, and its report does without it'
        : `${operation} failed`;
  once(
    `CWG_WARN_${operation.toUpperCase()}`,
    `close-wait-guard: ${where}, and will not be mentioned again (stats().errors counts): ${what}`,
  );
}

/** Warns once of a setting whose value was not taken: what it is, what it got and what is used instead. */
export function warnSetting(name: string, message: string): void {
  once(`CWG_WARN_SETTING ${name}`, `close-wait-guard: ${message}`, 'CWG_WARN_SETTING');
}

/** Warns once that a rule of `ignore` has ended. */
export function warnIgnoreEnded(rule: string, endedAtMs: number): void {
  const code = 'CWG_WARN_IGNORE_ENDED';
  const when = momentText(endedAtMs);
  once(`${code} ${rule} ${when}`, `close-wait-guard: ${rule} ended at ${when}: what it kept back is told again`, code);
}

/** Warns once that no registry was given and that there is more than one which the application may scrape. */
export function warnTwoRegistries(taken: string, others: readonly string[]): void {
  once('CWG_WARN_TWO_REGISTRIES', `close-wait-guard: ${twoRegistries(taken, others)}`);
}

/** As a sentence for a log. */
export function twoRegistries(taken: string, others: readonly string[]): string {
  return `there is more than one Prometheus client in this process, and no registry was given: its metrics are in that of ${taken}, and not in that of ${others.join(', ')}; option register says which`;
}

/** What was thrown, as text: an application may throw anything, also an object whose getters throw. */
function textOf(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : inspect(thrown);
  } catch {
    return 'something that cannot be shown';
  }
}

type Emit = (message: string, code: string) => void;

const toTheProcess: Emit = (message, code) => {
  process.emitWarning(message, { type: 'CloseWaitGuardWarning', code });
};
let emit = toTheProcess;

/** From now on this copy's warnings go there and not to the process: where somebody looks in from outside. */
export function divertWarnings(to: (message: string) => void): void {
  emit = to;
}

function once(key: string, message: string, code = key): void {
  if (said().has(key)) return;
  said().add(key);
  emit(message, code);
}
