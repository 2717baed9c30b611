import { isObject } from './objects.js';

/** Every code a {@link GuardError} can carry. Closed set: a code is never reused for something else. */
export const GUARD_ERROR_CODES = [
  /** An option is unknown, has the wrong type or is out of range. */
  'CWG_ERR_OPTION',
  /** An argument of a method has the wrong type. */
  'CWG_ERR_ARGUMENT',
  /** A method was called after `close()`. */
  'CWG_ERR_CLOSED',
  /** The Fastify plugin was registered a second time with options of its own. */
  'CWG_ERR_ALREADY_REGISTERED',
  /** The metrics of two guards in one registry do not fit together. */
  'CWG_ERR_METRICS_CONFLICT',
  /** What a socket is destroyed with when the guard reclaims it. */
  'CWG_ERR_RECLAIMED',
  /** A socket is leaked (thrown by the testing helpers). */
  'CWG_ERR_LEAKED_SOCKETS',
  /** A request of hangUp() was answered without the handler that it is to test. */
  'CWG_ERR_HANDLER_NOT_RUN',
  /** A testing helper has to look at sockets where the addon cannot run. */
  'CWG_ERR_UNSUPPORTED',
  /** A package that this one works with is installed in a version that it does not work with, or is needed and not installed. */
  'CWG_ERR_PEER_VERSION',
] as const;

export type GuardErrorCode = (typeof GUARD_ERROR_CODES)[number];

/** The one error class of this library. Its message names the option or argument, the value it got and the values it takes. */
export class GuardError extends Error {
  override readonly name = 'GuardError';
  readonly code: GuardErrorCode;

  constructor(code: GuardErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A value as text for an error message: short, on one line, and it never throws. */
export function inspectValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'function') return `[function ${value.name || 'anonymous'}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (isObject(value)) {
    return Array.isArray(value) ? `[array of ${value.length}]` : `[${nameOfClass(value)}]`;
  }
  return String(value);
}

function nameOfClass(value: object): string {
  try {
    const { constructor } = value as { constructor?: { name?: unknown } };
    return typeof constructor?.name === 'string' ? constructor.name : 'object';
  } catch {
    // A getter or proxy that throws must not hide the error this is for.
    return 'object';
  }
}

export function badOption(name: string, value: unknown, takes: string): GuardError {
  return new GuardError(
    'CWG_ERR_OPTION',
    `close-wait-guard: option ${name} is ${inspectValue(value)}; it takes ${takes}`,
  );
}

export function badArgument(name: string, value: unknown, takes: string): GuardError {
  return new GuardError('CWG_ERR_ARGUMENT', `close-wait-guard: ${name} is ${inspectValue(value)}; it takes ${takes}`);
}
