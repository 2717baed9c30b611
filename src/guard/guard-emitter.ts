import { EventEmitter } from 'node:events';
import { badArgument } from '../base/errors.js';
import type { GuardEvents } from './types.js';

type Listener = (...args: unknown[]) => void;

/** In the order of a leak's life; the compiler names one that is missing. */
const GUARD_EVENTS = Object.keys({
  leak: true,
  released: true,
  reclaimed: true,
} satisfies Record<keyof GuardEvents, true>);
/** Events of every emitter. */
const OF_ANY_EMITTER = ['newListener', 'removeListener', 'error'];

/** once() comes here through on(), prependOnceListener() through prependListener(). */
class CheckedEmitter extends EventEmitter {
  override on(event: string | symbol, listener: Listener): this {
    return super.on(checkEvent(event), listener);
  }

  override addListener(event: string | symbol, listener: Listener): this {
    return super.addListener(checkEvent(event), listener);
  }

  override prependListener(event: string | symbol, listener: Listener): this {
    return super.prependListener(checkEvent(event), listener);
  }
}

/**
 * An emitter that throws for a listener of an event that a guard does not have: such a listener would never be called. Symbols
 * belong to other libraries and are let through.
 */
export const GuardEmitter = CheckedEmitter as unknown as typeof EventEmitter<GuardEvents>;

function checkEvent(event: string | symbol): string | symbol {
  if (typeof event === 'symbol' || GUARD_EVENTS.includes(event) || OF_ANY_EMITTER.includes(event)) return event;
  throw badArgument('the event given to on()', event, GUARD_EVENTS.join(', '));
}
