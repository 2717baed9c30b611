import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import { ensureNotes } from './notes.js';
import { enterRequest } from './tracing.js';

/*
 * No channel tells the request that upgraded a socket, only the 'upgrade' and 'connect' events do; and a server that has a
 * listener for them behaves otherwise than one that has none (http answers an upgrade as a plain request, and closes a
 * CONNECT). So ours is there exactly as long as the application has one of its own.
 */
const EVENTS = ['upgrade', 'connect'];

export function followUpgrades(server: Server): void {
  for (const event of EVENTS) if (server.listenerCount(event) > 0) server.prependListener(event, onUpgrade);
  server.on('newListener', onNewListener);
  server.on('removeListener', onRemoveListener);
}

export function unfollowUpgrades(server: Server): void {
  server.removeListener('newListener', onNewListener);
  server.removeListener('removeListener', onRemoveListener);
  for (const event of EVENTS) server.removeListener(event, onUpgrade);
}

function onUpgrade(this: Server, { method, url }: IncomingMessage, socket: Socket): void {
  const request = { method, url, route: undefined, unmatched: false, server: this, reclaim: true };
  ensureNotes(socket).request = request;
  // The application's listeners come next, in this turn.
  enterRequest(request);
}

function onNewListener(this: Server, event: string | symbol, listener: unknown): void {
  if (typeof event !== 'string' || !EVENTS.includes(event) || listener === onUpgrade) return;
  if (!this.listeners(event).includes(onUpgrade)) this.prependListener(event, onUpgrade);
}

function onRemoveListener(this: Server, event: string | symbol, listener: unknown): void {
  if (typeof event !== 'string' || !EVENTS.includes(event) || listener === onUpgrade) return;
  if (this.listeners(event).every((left) => left === onUpgrade)) this.removeListener(event, onUpgrade);
}
