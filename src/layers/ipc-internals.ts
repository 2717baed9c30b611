import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import { property, stringProperty } from './node-internals.js';

/** How sockets go from process to process (lib/internal/child_process.js). Read as in node-internals.ts. */

/**
 * The fd that a child was sent last and has not confirmed yet (`child._pendingMessage.handle`, there since Node 6). By then the
 * socket that was sent has lost it.
 */
export function fdSentTo(child: object): number | undefined {
  const fd = property(property(property(child, '_pendingMessage'), 'handle'), 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/**
 * Calls `received` with each socket that the parent sends (`child.send(message, socket)`), before the application gets it. It
 * listens for 'internalMessage', which is what Node sends itself: unlike one for 'message' such a listener does not keep the
 * process alive, and nothing depends on it. Returns its dispose function.
 */
export function listenForReceivedSockets(received: (socket: Socket) => void, onError: () => void): () => void {
  if (process.channel === undefined) return () => undefined;
  const onInternalMessage = (message: unknown, handle: unknown): void => {
    try {
      if (stringProperty(message, 'type') !== 'net.Socket') return;
      const socket = ownerOf(handle);
      if (socket) received(socket);
    } catch {
      onError();
    }
  };
  process.on('internalMessage' as 'message', onInternalMessage);
  return () => process.removeListener('internalMessage', onInternalMessage);
}

/** The socket that was made of a handle (`handle[owner_symbol]`). */
function ownerOf(handle: unknown): Socket | undefined {
  if (typeof handle !== 'object' || handle === null) return undefined;
  const key = fact(() => Object.getOwnPropertySymbols(handle), []).find((each) => each.description === 'owner_symbol');
  const owner = key && property(handle, key);
  return typeof property(owner, 'bytesRead') === 'number' ? (owner as Socket) : undefined;
}
