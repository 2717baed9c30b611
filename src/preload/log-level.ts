import type { LogEvent } from './log-line.js';

/** Which events are lines. */
export const LOG_LEVELS = Object.freeze({
  /** Everything. */
  info: ['leak', 'reclaimed', 'released'],
  /** What should not be: not that a leak was closed after all. */
  warn: ['leak', 'reclaimed'],
  off: [],
} as const satisfies Record<string, readonly LogEvent[]>);
export type LogLevel = keyof typeof LOG_LEVELS;
