import type { LogEvent } from './log-line.js';

/** Which events are written, by level. */
export const LOG_LEVELS = Object.freeze({
  /** Everything. */
  info: ['leak', 'reclaimed', 'released'],
  /** Without the leaks that were closed after all. */
  warn: ['leak', 'reclaimed'],
  off: [],
} as const satisfies Record<string, readonly LogEvent[]>);
export type LogLevel = keyof typeof LOG_LEVELS;
