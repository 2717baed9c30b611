import { EventEmitter } from 'node:events';
import { badArgument } from '../base/errors.js';
import type { GuardEvents, WatchOptions } from './face.js';

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
 * An emitter that throws for a listener of an event that a guard does not have: it would wait for ever. Symbols are other
 * people's, and pass.
 */
export const GuardEmitter = CheckedEmitter as unknown as typeof EventEmitter<GuardEvents>;

function checkEvent(event: string | symbol): string | symbol {
  if (typeof event === 'symbol' || GUARD_EVENTS.includes(event) || OF_ANY_EMITTER.includes(event)) return event;
  throw badArgument('the event given to on()', event, GUARD_EVENTS.join(', '));
}

const WATCH_OPTION_NAMES = Object.keys({ name: true } satisfies Record<keyof WatchOptions, true>);

/** @throws GuardError CWG_ERR_ARGUMENT when watch()'s options are no object, or have a name that there is not. */
export function checkWatchOptions(options: unknown): void {
  const takes = `an object { ${WATCH_OPTION_NAMES.join(', ')} }`;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw badArgument('the second argument of watch()', options, takes);
  }
  const unknown = Object.keys(options).find((name) => !WATCH_OPTION_NAMES.includes(name));
  if (unknown !== undefined) throw badArgument('an option given to watch()', unknown, takes);
}
