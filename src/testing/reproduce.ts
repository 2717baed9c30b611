import { badArgument } from '../base/errors.js';
import { FOLDED_SAMPLES } from '../base/fold.js';
import { isObject } from '../base/objects.js';
import { fillPattern, patternParts } from '../frameworks/fastify/patterns.js';
import { LEAVES_AFTER_REQUEST, type BodyToSend, type Cause, type Reproduction } from '../leaks/causes/cause.js';
import { CAUSES } from '../leaks/causes/index.js';
import type { LeakReport } from '../leaks/report.js';
import type { HangUpBody, HangUpOptions, HangUpRequest } from './hang-up/options.js';
import { waitUntil } from './check/wait.js';
import { ABANDONED_BODY_BYTES, UNREAD_BODY_BYTES } from './hang-up/request.js';
import { webSocketFrame } from './hang-up/web-socket.js';

/** The part of a {@link LeakReport} that is needed: a report read from a log (JSON) has it. */
export type ReproducibleLeak = Pick<LeakReport, 'kind' | 'cause' | 'side'> &
  Partial<
    Pick<
      LeakReport,
      | 'method'
      | 'route'
      | 'path'
      | 'requestedBy'
      | 'reason'
      | 'waitsFor'
      | 'takenBytes'
      | 'unreadKernelBytes'
      | 'unreadStreamBytes'
    >
  >;

export type HangUpArguments = readonly [request: HangUpRequest | Uint8Array, options: HangUpOptions];

/** More than the largest receive window that a connection on loopback starts with, so that the FIN cannot arrive. */
const STALLING_BYTES = 1_048_576;

/**
 * Makes a test of a leak that was found in production: `await hangUp(app, ...reproduce(leak))`. What the client asked for is
 * asked again (the report's `path`); a report without it has the parameters of its route filled with `1`. The caller adds what a
 * report does not have: the query, headers, a body's content. An outbound leak is made again by the inbound request that
 * caused it (`requestedBy`), and hangUp() finds it behind that one's handler.
 * @throws GuardError CWG_ERR_ARGUMENT where a report of this cause does not say enough.
 */
export function reproduce(leak: ReproducibleLeak): HangUpArguments {
  if (!isObject(leak) || typeof leak.cause !== 'string') {
    throw badArgument('the leak given to reproduce()', leak, 'a LeakReport, also one that has been through JSON');
  }
  if (leak.side === 'unknown') throw notEnough(leak, 'no socket of the thread it was found in names a request');
  if (leak.side === 'outbound') return [requestAskedBy(leak), { at: isPiped(leak) ? 'mid-response' : 'response' }];
  const reproduction = reproductionOf(leak);
  if (reproduction.by === 'nothing') throw notEnough(leak, reproduction.because);
  const { leavesAt: at, body, readsOn } = reproduction;
  if (leak.reason === 'client-error-listener') return [{}, { at: 'mid-headers' }];
  if (leak.method === undefined || leak.route === undefined) {
    if (leak.cause === 'paused' && leak.takenBytes !== 0) {
      throw notEnough(leak, 'it was paused after some bytes had been read, and the report does not have them');
    }
    return [rawBytes(leak), readsOn === undefined ? { at: 'request' } : { at: 'request', readsOn }];
  }
  const request = { method: leak.method, path: askedPath(leak) ?? pathOf(leak.route) };
  return [
    body === undefined ? request : { ...request, body: bodyFor(leak, body) },
    readsOn === undefined ? { at } : { at, readsOn },
  ];
}

/** What was asked for; undefined where the report does not have it whole. */
function askedPath({ path }: ReproducibleLeak): string | undefined {
  return path?.endsWith('...') === true ? undefined : path;
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
      return twoMessages(Math.max(1, unreadBytes(leak)));
  }
}

/** How long a server may take to act on the first message, ms. */
const BETWEEN_MS = 100;

/** A server may pause when it has got a message: the second one is what it leaves unread. */
function twoMessages(bytes: number): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      yield webSocketFrame(bytes);
      await waitUntil(() => false, BETWEEN_MS);
      yield webSocketFrame(bytes);
    },
  };
}

/** Into the response to a client, which stops when that one leaves. */
function isPiped({ reason, waitsFor }: ReproducibleLeak): boolean {
  return waitsFor !== undefined || (reason?.startsWith('destination-') ?? false);
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
