import type { Socket } from 'node:net';
import { badOption, GuardError } from '../errors.js';
import type { NativeBinding } from '../kernel/native.js';
import { LEAK_KINDS, type LeakKind, type LeakReport } from '../leaks/report.js';
import type { ReclaimOptions } from '../options.js';
import { checkOptionNames, describeRange, integerIn, RANGES } from '../options.js';
import { httpMessageOf, isServerResponse } from '../sockets/node-internals.js';
import { tlsSocketOf } from '../sockets/notes.js';

/** Which leaks the guard destroys, and when. */
export interface ReclaimPolicy {
  readonly afterMs: number;
  readonly kinds: ReadonlySet<LeakKind>;
  readonly filter: ((leak: LeakReport) => boolean) | undefined;
}

const NAMES = new Set(['afterMs', 'kinds', 'filter']);

/** @throws GuardError CWG_ERR_OPTION; undefined when nothing is to be reclaimed. */
export function resolveReclaim(option: boolean | ReclaimOptions | undefined): ReclaimPolicy | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === true) return { afterMs: 0, kinds: new Set(LEAK_KINDS), filter: undefined };
  if (!isPlainObject(option)) throw badOption('reclaim', option, 'true, false or an object { afterMs, kinds, filter }');
  checkOptionNames(option, NAMES, 'reclaim.');
  const { afterMs = 0, kinds = LEAK_KINDS, filter } = option;
  if (!integerIn(afterMs, RANGES.reclaimAfter)) {
    throw badOption('reclaim.afterMs', afterMs, describeRange(RANGES.reclaimAfter, 'a whole number of milliseconds'));
  }
  if (!Array.isArray(kinds) || kinds.length === 0 || !kinds.every((kind) => LEAK_KINDS.includes(kind as LeakKind))) {
    throw badOption('reclaim.kinds', kinds, `an array of ${LEAK_KINDS.join(', ')}`);
  }
  if (filter !== undefined && typeof filter !== 'function') {
    throw badOption('reclaim.filter', filter, 'a function (leak) => boolean');
  }
  return { afterMs, kinds: new Set(kinds as readonly LeakKind[]), filter };
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the policy lets the guard destroy it. */
export function mayReclaim({ kinds, filter }: ReclaimPolicy, leak: LeakReport): boolean {
  return kinds.has(leak.kind) && (filter?.(leak) ?? true);
}

/**
 * Destroys a leak, as the application should have done: handlers see 'close', pools forget it. The error goes with it only
 * where somebody listens, since an 'error' event without a listener ends the process.
 *
 * The connection is aborted (RST), not closed: an orderly close would leave it in LAST_ACK, with its port pair taken as
 * before, where the peer's end has expired and nobody answers the FIN.
 */
export function reclaim(binding: NativeBinding, raw: Socket, cookie: bigint, leak: LeakReport): void {
  // An errno here means an orderly close, which is what there was without it.
  binding.abortOnClose(leak.fd, BigUint64Array.of(cookie));
  const socket = tlsSocketOf(raw) ?? raw;
  const error = new GuardError('CWG_ERR_RECLAIMED', `close-wait-guard reclaimed a leaked socket: ${leak.explanation}`);
  socket.destroy(errorIsHeard(socket) ? error : undefined);
}

function errorIsHeard(socket: Socket): boolean {
  if (socket.listenerCount('error') === 0) return false;
  // http hands the error of a client's socket on to its ClientRequest.
  const message = httpMessageOf(socket) as { listenerCount?: (event: string) => number } | undefined;
  if (message === undefined || isServerResponse(message)) return true;
  return typeof message.listenerCount === 'function' && message.listenerCount('error') > 0;
}
