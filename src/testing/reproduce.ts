import { badArgument } from '../base/errors.js';
import { FOLDED_SAMPLES } from '../base/fold.js';
import { isObject } from '../base/objects.js';
import { fillPattern, patternParts } from '../frameworks/fastify/patterns.js';
import { LEAVES_AFTER_REQUEST, type BodyToSend, type Cause, type Reproduction } from '../leaks/causes/cause.js';
import { CAUSES } from '../leaks/causes/index.js';
import type { LeakReport } from '../leaks/report.js';
import type { HangUpBody, HangUpOptions, HangUpRequest } from './hang-up/options.js';
import { ABANDONED_BODY_BYTES, UNREAD_BODY_BYTES } from './hang-up/request.js';
import { webSocketFrame } from './hang-up/web-socket.js';

/** The part of a {@link LeakReport} that is needed: a report read from a log (JSON) has it. */
export type ReproducibleLeak = Pick<LeakReport, 'kind' | 'cause' | 'side'> &
  Partial<Pick<LeakReport, 'method' | 'route' | 'path' | 'requestedBy' | 'unreadKernelBytes' | 'unreadStreamBytes'>>;

export type HangUpArguments = readonly [request: HangUpRequest | Uint8Array, options: HangUpOptions];

/** More than the largest receive window that a connection on loopback starts with, so that the FIN cannot arrive. */
const STALLING_BYTES = 1_048_576;

/**
 * Makes a test of a leak that was found in production: `await hangUp(app, ...reproduce(leak))`. Where the report has the path
 * that was asked for, that is asked again; else the parameters of the route are filled with `1`. The caller adds what the
 * report does not have: headers, a body's content. An outbound leak is made again by the inbound request that caused it
 * (`requestedBy`).
 * @throws GuardError CWG_ERR_ARGUMENT where a report of this cause does not say enough.
 */
export function reproduce(leak: ReproducibleLeak): HangUpArguments {
  if (!isObject(leak) || typeof leak.cause !== 'string') {
    throw badArgument('the leak given to reproduce()', leak, 'a LeakReport, also one that has been through JSON');
  }
  if (leak.side === 'unknown') throw notEnough(leak, 'no socket of the thread it was found in names a request');
  if (leak.side === 'outbound') return [requestAskedBy(leak), { at: 'response' }];
  const reproduction = reproductionOf(leak);
  if (reproduction.by === 'nothing') throw notEnough(leak, reproduction.because);
  if (leak.method === undefined || leak.route === undefined) return [rawBytes(leak), { at: 'request' }];
  const request = { method: leak.method, path: leak.path ?? pathOf(leak.route) };
  const { leavesAt: at, body, readsOn } = reproduction;
  return [
    body === undefined ? request : { ...request, body: bodyFor(leak, body) },
    readsOn === undefined ? { at } : { at, readsOn },
  ];
}

/** A report may come from a later version, and have a cause that this version does not know. */
function reproductionOf({ cause }: ReproducibleLeak): Reproduction {
  return (CAUSES as Readonly<Partial<Record<string, Cause>>>)[cause]?.reproduction ?? LEAVES_AFTER_REQUEST;
}

function bodyFor(leak: ReproducibleLeak, body: BodyToSend): HangUpBody {
  switch (body) {
    case 'unread':
      // A kernel that holds a FIN back holds more than it would of a smaller body.
      return leak.kind === 'stalled' ? STALLING_BYTES : UNREAD_BODY_BYTES;
    case 'abandoned':
      return ABANDONED_BODY_BYTES;
    case 'frame':
      return webSocketFrame(Math.max(1, unreadBytes(leak)));
  }
}

function unreadBytes({ unreadKernelBytes = 0, unreadStreamBytes = 0 }: ReproducibleLeak): number {
  return unreadKernelBytes + unreadStreamBytes;
}

/** As many bytes as were unread, of a protocol that the report does not name. */
function rawBytes(leak: ReproducibleLeak): Uint8Array {
  const bytes = leak.kind === 'stalled' ? STALLING_BYTES : Math.max(4, unreadBytes(leak));
  return Buffer.alloc(bytes, '?\r\n\n');
}

function requestAskedBy(leak: ReproducibleLeak): HangUpRequest {
  const [, method, route] = /^(\S+) (\/.*)$/.exec(leak.requestedBy ?? '') ?? [];
  if (method === undefined || route === undefined) {
    throw notEnough(leak, 'it is outbound, and does not say which request asked for it (the option traceRequests)');
  }
  return { method, path: pathOf(route) };
}

function pathOf(route: string): string {
  return fillPattern(patternParts(route), FOLDED_SAMPLES);
}

function notEnough({ side, cause }: ReproducibleLeak, why: string): Error {
  return badArgument('the leak given to reproduce()', `${side} ${cause}`, `a report with a request in it: ${why}`);
}
