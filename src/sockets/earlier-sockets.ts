import type { Socket } from 'node:net';
import { activeServers, activeSockets, httpConnectionsOf } from '../layers/active-handles.js';
import { fdOf } from '../layers/node-internals.js';
import { rawSocketUnder } from '../layers/tls.js';
import type { EarlierSocket } from './announcements.js';
import { sideOf } from './unannounced.js';

/**
 * The open sockets of this thread, as far as Node lists them: by its handles, and by the connections of http servers, which has the
 * TLSSockets of https and what was unref()ed too. Each once, by its topmost socket.
 */
export function earlierSockets(): EarlierSocket[] {
  const tops = new Map<Socket, Socket>();
  for (const socket of activeSockets()) tops.set(rawSocketUnder(socket), socket);
  for (const server of activeServers()) {
    for (const socket of httpConnectionsOf(server)) tops.set(rawSocketUnder(socket), socket);
  }
  return Array.from(tops, ([raw, top]) => ({ raw, top })).flatMap(({ raw, top }) => {
    const fd = fdOf(raw);
    return fd === undefined ? [] : [{ top, side: sideOf(raw, fd) }];
  });
}
