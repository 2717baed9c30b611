import { badArgument } from '../base/errors.js';
import { isObject } from '../base/objects.js';
import { planReproduction, unreadBytes, type ReproducibleLeak, type ReproductionPlan } from '../guard/reproduction.js';
import type { HangUpBody, HangUpOptions, HangUpRequest } from './hang-up/options.js';
import { waitUntil } from './check/wait.js';
import { ABANDONED_BODY_BYTES, UNREAD_BODY_BYTES } from './hang-up/request.js';
import { webSocketFrame } from './hang-up/web-socket.js';

export type { ReproducibleLeak } from '../guard/reproduction.js';

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
  const plan = planReproduction(leak);
  switch (plan.sends) {
    case 'nothing':
      throw notEnough(leak, plan.because);
    case 'half-head':
      return [{}, { at: 'mid-headers' }];
    case 'bytes':
      return [rawBytes(plan.bytes ?? STALLING_BYTES), leaving('request', plan.readsOn)];
    case 'request': {
      const { method, path, body, leavesAt, readsOn } = plan;
      const request = { method, path };
      return [body === undefined ? request : { ...request, body: bodyFor(leak, body) }, leaving(leavesAt, readsOn)];
    }
  }
}

function leaving(at: HangUpOptions['at'], readsOn: boolean | undefined): HangUpOptions {
  return readsOn === undefined ? { at } : { at, readsOn };
}

type PlannedBody = NonNullable<Extract<ReproductionPlan, { readonly sends: 'request' }>['body']>;

function bodyFor(leak: ReproducibleLeak, body: PlannedBody): HangUpBody {
  switch (body) {
    case 'stalling':
      return STALLING_BYTES;
    case 'unread':
      return UNREAD_BODY_BYTES;
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

/** As many bytes as were unread, of a protocol that the report does not name. */
function rawBytes(bytes: number): Uint8Array {
  return Buffer.alloc(bytes, '?\r\n\n');
}

function notEnough({ side, cause }: ReproducibleLeak, why: string): Error {
  return badArgument('the leak given to reproduce()', `${side} ${cause}`, `a report with a request in it: ${why}`);
}
