import { monotonicMs } from '../../base/clock.js';
import { GuardError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import { followFastifyRoutes } from '../../frameworks/fastify/channel.js';
import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { createObserver } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { turn, waitUntil } from '../check/wait.js';
import { Client } from './client.js';
import { HandledRequests, type Handled } from './handled.js';
import { play } from './moments.js';
import { checkRequest } from './names.js';
import {
  resolveHangUpOptions,
  type HangUpMoment,
  type HangUpOptions,
  type HangUpRequest,
  type HangUpResult,
  type HangUpTarget,
  type HangUpWay,
  type ResolvedHangUpOptions,
} from './options.js';
import { idsOf, outboundLeakOf } from './outbound.js';
import { hintOf, isRefusal, outcomeOf, refusedError, type Outcome } from './refusal.js';
import { endWithServer } from './reported.js';
import { messageOf } from './request.js';
import { Samples } from './samples.js';
import { ServerEnd } from './server-end.js';
import { endpointOf, isHttp, type Endpoint } from './target.js';

/** How long a server of this process may take to begin on a request, ms. */
const TAKEN_MS = 250;
const DISCARDS: ReadonlySet<HangUpWay> = new Set(['close', 'reset']);
const REACHES_SERVER: ReadonlySet<HangUpMoment> = new Set(['headers', 'mid-body', 'request']);
/** Never reached: the guard is asked, it does not report by itself. */
const NO_TIMEOUT_MS = 86_400_000;

/**
 * Connects to a server with a real TCP (or TLS) client that hangs up at a chosen moment, and says what became of the server's
 * end. A server that does not listen is made to, on an ephemeral port of 127.0.0.1.
 *
 * A leak stays as it is, for an assertion or a debugger to find, until the server is told to close: then it is ended, because
 * the close would wait for it for ever.
 * @param request of HTTP/1.1, or raw bytes for what speaks something else
 * @throws GuardError CWG_ERR_OPTION; CWG_ERR_ARGUMENT (also when no server accepts, or the application is closed);
 * CWG_ERR_HANDLER_NOT_RUN when the response is 400 or more and no handler gave it, so that nothing was tested;
 * CWG_ERR_UNSUPPORTED where the addon cannot run
 */
export async function hangUp(
  target: HangUpTarget,
  request: HangUpRequest | string | Uint8Array,
  options: HangUpOptions,
): Promise<HangUpResult> {
  const resolved = resolveHangUpOptions(options);
  if (isObject(request) && !(request instanceof Uint8Array)) checkRequest(request);
  const opened = await openTarget(target, 'hangUp()');
  try {
    const before = idsOf(opened.guard);
    const hungUp = await hangUpOn(opened, request, resolved);
    const leak = hungUp.result.leak ?? (await leakBehind(opened, hungUp, before, resolved.deadlineMs));
    if (leak) {
      const end = internalsOf(opened.guard).enderOf(leak.id);
      const server = opened.endpoint.server ?? hungUp.handled?.server;
      if (end && server) endWithServer(server, end);
      return { ...hungUp.result, leak };
    }
    const { asked, outcome } = hungUp;
    if (asked !== undefined && isRefusal(outcome, resolved.expectedStatus)) throw refusedError(outcome, asked);
    return hungUp.result;
  } finally {
    opened.close();
  }
}

/** A connection to another server that the handler leaked. */
async function leakBehind(
  { guard, requests }: OpenTarget,
  { handled }: HungUp,
  before: ReadonlySet<string>,
  deadlineMs: number,
): Promise<LeakReport | undefined> {
  if (!handled || !requests.hasAsked(handled)) return undefined;
  const isUnderWay = (): boolean => requests.isAsking(handled);
  return await outboundLeakOf(guard, handled, { before, isUnderWay, deadlineMs });
}

/** A target that listens, and a guard that observes its process: for one hang-up or for many. */
export interface OpenTarget {
  readonly endpoint: Endpoint;
  readonly guard: Guard;
  /** Local ports of all clients so far. */
  readonly clientPorts: Set<number>;
  readonly samples: Samples;
  readonly requests: HandledRequests;
  /** Idempotent. */
  close(): void;
}

/**
 * @param by what is called, as an error names it
 * @throws GuardError CWG_ERR_ARGUMENT, CWG_ERR_UNSUPPORTED
 */
export async function openTarget(target: HangUpTarget, by: string): Promise<OpenTarget> {
  const guard = createObserver({ closeWaitTimeout: NO_TIMEOUT_MS, sampleInterval: 0, traceRequests: true });
  const unfollow = followFastifyRoutes();
  const clientPorts = new Set<number>();
  const requests = new HandledRequests(clientPorts);
  const close = (): void => {
    requests.close();
    unfollow();
    guard.close();
  };
  try {
    checkSupported(guard, by);
    const endpoint = await endpointOf(target);
    return { endpoint, guard, samples: new Samples(guard), clientPorts, requests, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** What would find nothing must not say that there is nothing. */
function checkSupported(guard: Guard, by: string): void {
  if (guard.supported) return;
  throw new GuardError(
    'CWG_ERR_UNSUPPORTED',
    `close-wait-guard: ${by} cannot look at sockets here: ${guard.stats().unsupportedReason ?? 'the addon does not run'}`,
  );
}

/** A hang-up, and what is known of its request beside the result. */
export interface HungUp {
  readonly result: HangUpResult;
  /** Method and target; undefined where raw bytes were sent. */
  readonly asked: string | undefined;
  readonly outcome: Outcome;
  readonly handled: Handled | undefined;
}

/** {@link hangUp} on an open target, without its verdict. */
export async function hangUpOn(
  { endpoint, guard, samples, clientPorts, requests }: OpenTarget,
  request: HangUpRequest | string | Uint8Array,
  options: ResolvedHangUpOptions,
): Promise<HungUp> {
  const { at, momentMs, how, readsOn, deadlineMs } = options;
  const message = messageOf(request, endpoint.authority, options);
  const client = await Client.connect(endpoint, message.method, deadlineMs);
  const { localPort } = client;
  if (localPort !== undefined) clientPorts.add(localPort);
  try {
    // Where this process is the server, it has accepted by now: the guard follows the socket from here on, with its ports.
    await turn();
    internalsOf(guard).heldIds();
    const serverEnd = new ServerEnd(samples, client);
    const reached = await play(client, message, options, monotonicMs() + momentMs);
    // A reset overtakes what was sent: the server is to have begun on it.
    if (DISCARDS.has(how) && REACHES_SERVER.has(at) && isHttp(endpoint)) {
      await waitUntil(() => requests.of(localPort) !== undefined, Math.min(deadlineMs, TAKEN_MS));
    }
    const seenBefore = client.response.response?.statusCode;
    const hungUpAtMs = monotonicMs();
    client.hangUp(how, readsOn);
    const { closedAtMs, leak } = await serverEnd.settle(how === 'vanish', deadlineMs);
    const { response } = client.response;
    const endedAtMs = closedAtMs === undefined ? monotonicMs() : Math.min(closedAtMs, client.endedAtMs ?? closedAtMs);
    const handled = requests.of(localPort);
    const { isFastify } = endpoint;
    const answered = { at, seen: response?.statusCode, seenBefore, handled, isFastify, isOwnHttp: isHttp(endpoint) };
    const outcome = outcomeOf(answered);
    const { asked } = message;
    const hint = asked === undefined ? undefined : hintOf(outcome, asked);
    const result: HangUpResult = {
      reached,
      closed: closedAtMs !== undefined ? true : serverEnd.isVisible || how === 'fin' ? false : undefined,
      afterMs: Math.max(0, Math.round(endedAtMs - hungUpAtMs)),
      handler: outcome.handler,
      ...(leak && { leak }),
      ...(response && { response }),
      ...(hint !== undefined && { hint }),
    };
    return { result, asked, outcome, handled };
  } finally {
    client.dispose(how);
  }
}
