import { monotonicMs } from '../../base/clock.js';
import type { Client } from './client.js';
import type { ResolvedHangUpOptions } from './options.js';
import type { Body, Message } from './request.js';

/** How long nothing may come for a connection to count as idle, ms. */
const QUIET_MS = 50;

/** Does what the client does up to the moment. Returns whether it came before the server ended the connection or time ran out. */
export async function play(
  client: Client,
  { method, head, body }: Message,
  { at, afterBytes }: ResolvedHangUpOptions,
  deadlineAtMs: number,
): Promise<boolean> {
  const { response } = client;
  const sent = (): Promise<boolean> => client.until(() => client.sent, deadlineAtMs);
  if (at === 'connect') return !client.ended;
  client.write(at === 'mid-headers' ? head.subarray(0, afterBytes ?? head.length >> 1) : head);
  if (at === 'mid-headers' || at === 'headers') return sent();
  if (at === 'upgrade') {
    await client.until(() => response.switched || response.complete, deadlineAtMs);
    if (!response.switched) return false;
    const isWebSocket = /^websocket$/i.test(response.response?.headers.upgrade ?? '');
    if (body === undefined || (body.forWebSocket === true && !isWebSocket)) return true;
    return sendBody(client, body, deadlineAtMs);
  }
  if (at === 'mid-body' && body) {
    return sendPieces(client, body, afterBytes ?? (body.length ?? Infinity) - 1, deadlineAtMs);
  }
  if (!(await (body ? sendBody(client, body, deadlineAtMs) : sent()))) return false;
  if (at === 'request') return true;
  if (at === 'mid-response') return client.until(() => response.bytes >= (afterBytes ?? 1), deadlineAtMs);
  const responded = method === undefined || (await client.until(() => response.complete, deadlineAtMs));
  return at === 'response' ? responded : responded && quiet(client, deadlineAtMs);
}

/** Sends all of it and its terminator. */
async function sendBody(client: Client, body: Body, deadlineAtMs: number): Promise<boolean> {
  if (!(await sendPieces(client, body, Infinity, deadlineAtMs))) return false;
  if (body.terminator) client.write(body.terminator);
  return client.until(() => client.sent, deadlineAtMs);
}

/** Sends the first `end` bytes. */
async function sendPieces(client: Client, body: Body, end: number, deadlineAtMs: number): Promise<boolean> {
  // A generator may be slow, or never end.
  const over = client.until(() => false, deadlineAtMs).then(() => undefined);
  const pieces = body.pieces(end);
  const iterator = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), over]);
    if (next === undefined) {
      // Not awaited: the generator may never come back.
      void iterator.return?.();
      return false;
    }
    if (next.done === true) return client.sent;
    client.write(next.value);
    if (!(await client.until(() => client.sent, deadlineAtMs))) return false;
  }
}

/** As a keep-alive connection between two requests. */
async function quiet(client: Client, deadlineAtMs: number): Promise<boolean> {
  const { response } = client;
  for (let seen = -1; seen !== response.bytes;) {
    if (client.ended || monotonicMs() >= deadlineAtMs) return false;
    seen = response.bytes;
    await client.until(() => response.bytes !== seen, monotonicMs() + QUIET_MS);
  }
  return !client.ended;
}
