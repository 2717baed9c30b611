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
import { calleeOf, type Callee } from './target.js';

/** Never reached: the guard is asked, it does not report by itself. */
const NO_TIMEOUT_MS = 86_400_000;

/**
 * Calls a server with a real TCP (or TLS) client that leaves at a chosen moment, and looks what became of the server's end.
 * A server that does not listen is made to, on an ephemeral port of 127.0.0.1.
 *
 * A leak stays as it is, for an assertion or a debugger to find; closing the server ends it.
 * @param request of HTTP/1.1, or raw bytes for what speaks something else
 * @throws GuardError CWG_ERR_OPTION, CWG_ERR_ARGUMENT (also when nobody answers there)
 */
export async function hangUp(
  target: HangUpTarget,
  request: HangUpRequest | string | Uint8Array,
  options: HangUpOptions,
): Promise<HangUpResult> {
  const resolved = resolveHangUpOptions(options);
  const line = await openLine(target, { traceRequests: false });
  try {
    return await hangUpOn(line, request, resolved);
  } finally {
    line.close();
  }
}

/** A target that is found and listens, and a guard that sees what it does: for one call or for many. */
export interface Line {
  readonly callee: Callee;
  readonly guard: Guard;
  /** The ports that its clients have had. */
  readonly clientPorts: Set<number>;
  /** Idempotent. */
  close(): void;
}

/** @throws GuardError CWG_ERR_ARGUMENT */
export async function openLine(
  target: HangUpTarget,
  { traceRequests }: { readonly traceRequests: boolean },
): Promise<Line> {
  const callee = await calleeOf(target);
  const guard = createObserver({ closeWaitTimeout: NO_TIMEOUT_MS, sampleInterval: 0, traceRequests });
  const unfollow = followFastifyRoutes();
  return {
    callee,
    guard,
    clientPorts: new Set(),
    close() {
      unfollow();
      guard.close();
    },
  };
}

/** {@link hangUp} on an open line. */
export async function hangUpOn(
  { callee, guard, clientPorts }: Line,
  request: HangUpRequest | string | Uint8Array,
  options: ResolvedHangUpOptions,
): Promise<HangUpResult> {
  const { how, readsOn, deadlineMs } = options;
  const message = messageOf(request, callee.authority, options);
  const client = await Client.connect(callee, message.method, deadlineMs);
  if (client.localPort !== undefined) clientPorts.add(client.localPort);
  try {
    // Accepted by now, where it is this process that accepts: the look puts it on the watch, with its ports.
    await turn();
    guard.sockets();
    const serverEnd = new ServerEnd(guard, client);
    const reached = await play(client, message, options, monotonicMs() + deadlineMs);
    const leftAtMs = monotonicMs();
    client.leave(how, readsOn);
    const { closedAtMs, leak } = await serverEnd.settle(how === 'vanish', deadlineMs);
    const { response } = client.response;
    const endedAtMs = closedAtMs === undefined ? monotonicMs() : Math.min(closedAtMs, client.endedAtMs ?? closedAtMs);
    return {
      reached,
      closed: closedAtMs !== undefined ? true : serverEnd.isVisible || how === 'fin' ? false : undefined,
      afterMs: Math.max(0, Math.round(endedAtMs - leftAtMs)),
      ...(leak && { leak }),
      ...(response && { response }),
    };
  } finally {
    client.dispose(how);
  }
}
