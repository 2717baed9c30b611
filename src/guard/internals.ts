import type { Guard } from './guard.js';

/** On every guard, of whichever copy or form of this library: `instanceof` knows only its own. */
export const GUARD_BRAND = Symbol.for('close-wait-guard.guard');
/** What a scrape asks of a guard before it reads its counts. */
export const SAMPLE_ON_DEMAND = Symbol.for('close-wait-guard.sample-on-demand');

/** Whether this is what createGuard() returns, in this copy of the library or in another. Never throws. */
export function isGuard(value: unknown): value is Guard {
  try {
    return typeof value === 'object' && value !== null && (value as { [GUARD_BRAND]?: unknown })[GUARD_BRAND] === true;
  } catch {
    // A proxy that throws is no guard.
    return false;
  }
}
