import type { LeakEvent } from '../guard/equal-lines.js';

/** Which events are written, by level. */
export const LOG_LEVELS = Object.freeze({
  /** Everything. */
  info: ['leak', 'reclaimed', 'released'],
  /** Without the leaks that were closed after all. */
  warn: ['leak', 'reclaimed'],
  off: [],
} as const satisfies Record<string, readonly LeakEvent[]>);
export type LogLevel = keyof typeof LOG_LEVELS;
