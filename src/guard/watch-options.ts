import { badArgument } from '../base/errors.js';
import { isRecord } from '../base/objects.js';
import type { ServerTimeOuts } from '../sockets/servers.js';
import { readServerTimeOuts } from './time-outs.js';
import type { WatchOptions } from './types.js';

/** In the order in which an error lists them; the compiler names one that is missing. */
const NAMES = Object.keys({ name: true, routeOf: true, closeWaitTimeout: true } satisfies Record<
  keyof WatchOptions,
  true
>);
const TAKES = `an object { ${NAMES.join(', ')} }`;
/** It becomes a label and a part of sentences. */
const SERVER_NAME = /^[\w.:@/ -]{1,100}$/;

export interface ReadWatchOptions extends Pick<WatchOptions, 'name' | 'routeOf'> {
  readonly timeOuts: ServerTimeOuts | undefined;
}

/** @throws GuardError CWG_ERR_ARGUMENT naming the option, the value it got and the values it takes */
export function checkWatchOptions(options: unknown): ReadWatchOptions {
  if (!isRecord(options)) throw badArgument('the second argument of watch()', options, TAKES);
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw badArgument('an option given to watch()', unknown, TAKES);
  const { name, routeOf, closeWaitTimeout } = options;
  if (name !== undefined && (typeof name !== 'string' || !SERVER_NAME.test(name))) {
    throw badArgument('the name given to watch()', name, '1 to 100 letters, digits, spaces or any of _ . : @ / -');
  }
  if (routeOf !== undefined && typeof routeOf !== 'function') {
    throw badArgument('the routeOf given to watch()', routeOf, 'a function (request) => a pattern or undefined');
  }
  return { name, routeOf: routeOf as WatchOptions['routeOf'], timeOuts: readServerTimeOuts(closeWaitTimeout) };
}
