import { monotonicMs } from '../../base/clock.js';
import { followFastifyRoutes } from '../../frameworks/fastify/channel.js';
import type { Guard } from '../../guard/guard.js';
import { createObserver } from '../../guard/observer.js';
import { turn } from '../check/wait.js';
import { Client } from './client.js';
import { play } from './moments.js';
import {
  resolveHangUpOptions,
  type HangUpOptions,
  type HangUpRequest,
  type HangUpResult,
  type HangUpTarget,
  type ResolvedHangUpOptions,
} from './options.js';
import { messageOf } from './request.js';
import { ServerEnd } from './server-end.js';
import { endpointOf, type Endpoint } from './target.js';

/** Never reached: the guard is asked, it does not report by itself. */
const NO_TIMEOUT_MS = 86_400_000;

/**
 * Connects to a server with a real TCP (or TLS) client that hangs up at a chosen moment, and says what became of the server's
 * end. A server that does not listen is made to, on an ephemeral port of 127.0.0.1.
 *
 * A leak stays open, for an assertion or a debugger to find; closing the server ends it.
 * @param request of HTTP/1.1, or raw bytes for what speaks something else
 * @throws GuardError CWG_ERR_OPTION, CWG_ERR_ARGUMENT (also when no server accepts)
 */
export async function hangUp(
  target: HangUpTarget,
  request: HangUpRequest | string | Uint8Array,
  options: HangUpOptions,
): Promise<HangUpResult> {
  const resolved = resolveHangUpOptions(options);
  const opened = await openTarget(target, { traceRequests: false });
  try {
    return await hangUpOn(opened, request, resolved);
  } finally {
    opened.close();
  }
}

/** A target that listens, and a guard that observes its process: for one hang-up or for many. */
export interface OpenTarget {
  readonly endpoint: Endpoint;
  readonly guard: Guard;
  /** Local ports of all clients so far. */
  readonly clientPorts: Set<number>;
  /** Idempotent. */
  close(): void;
}

/** @throws GuardError CWG_ERR_ARGUMENT */
export async function openTarget(
  target: HangUpTarget,
  { traceRequests }: { readonly traceRequests: boolean },
): Promise<OpenTarget> {
  const endpoint = await endpointOf(target);
  const guard = createObserver({ closeWaitTimeout: NO_TIMEOUT_MS, sampleInterval: 0, traceRequests });
  const unfollow = followFastifyRoutes();
  return {
    endpoint,
    guard,
    clientPorts: new Set(),
    close() {
      unfollow();
      guard.close();
    },
  };
}

/** {@link hangUp} on an open target. */
export async function hangUpOn(
  { endpoint, guard, clientPorts }: OpenTarget,
  request: HangUpRequest | string | Uint8Array,
  options: ResolvedHangUpOptions,
): Promise<HangUpResult> {
  const { how, readsOn, deadlineMs } = options;
  const message = messageOf(request, endpoint.authority, options);
  const client = await Client.connect(endpoint, message.method, deadlineMs);
  if (client.localPort !== undefined) clientPorts.add(client.localPort);
  try {
    // Where this process is the server, it has accepted by now: the guard follows the socket from here on, with its ports.
    await turn();
    guard.sockets();
    const serverEnd = new ServerEnd(guard, client);
    const reached = await play(client, message, options, monotonicMs() + deadlineMs);
    const hungUpAtMs = monotonicMs();
    client.hangUp(how, readsOn);
    const { closedAtMs, leak } = await serverEnd.settle(how === 'vanish', deadlineMs);
    const { response } = client.response;
    const endedAtMs = closedAtMs === undefined ? monotonicMs() : Math.min(closedAtMs, client.endedAtMs ?? closedAtMs);
    return {
      reached,
      closed: closedAtMs !== undefined ? true : serverEnd.isVisible || how === 'fin' ? false : undefined,
      afterMs: Math.max(0, Math.round(endedAtMs - hungUpAtMs)),
      ...(leak && { leak }),
      ...(response && { response }),
    };
  } finally {
    client.dispose(how);
  }
}
