import type { Server, Socket } from 'node:net';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { fact } from '../base/fact.js';
import { booleanProperty, objectProperty, property, stringProperty } from './node-internals.js';
import { underSymbol } from './symbols.js';

/** How sockets go from process to process (lib/internal/child_process.js). Read as in node-internals.ts. */

/**
 * The fd that a child (or the parent: `process`) was sent last and has not confirmed yet (`child._pendingMessage.handle`, there
 * since Node 6). By then the socket that was sent has lost it.
 */
export function fdSentTo(target: object): number | undefined {
  const fd = property(property(property(target, '_pendingMessage'), 'handle'), 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}

/**
 * Whether a child (or the parent: `process`) has yet to confirm a socket that it was sent (`child._handleQueue`, no array once
 * it has confirmed all; there since Node 0.12). Of one sent with `keepOpen` nothing else tells, and this does not tell which.
 */
export function awaitsConfirmation(target: object): boolean {
  return Array.isArray(property(target, '_handleQueue'));
}

/** Undefined where the child could not be started. */
export function pidOf(child: object): number | undefined {
  const pid = property(child, 'pid');
  return typeof pid === 'number' && pid > 0 ? pid : undefined;
}

export function isRunning(child: object): boolean {
  return property(child, 'exitCode') === null && property(child, 'signalCode') === null;
}

/** How many fds a child was started with (`child.stdio`): 3, or 4 with an IPC channel, unless it was given more. */
export function stdioCount(child: object): number | undefined {
  const stdio = property(child, 'stdio');
  return Array.isArray(stdio) ? stdio.length : undefined;
}

/** Whether sockets of this server were sent to a child (`server._usingWorkers`, there since Node 0.12). */
export function hasSentSockets(server: Server): boolean {
  return booleanProperty(server, '_usingWorkers') === true;
}

/**
 * The running children that sockets of this server were sent to, and `process` where the parent was (`server._workers`, there
 * since Node 0.12), also those that were started before the guard was created.
 */
export function childrenSentSocketsOf(server: Server): object[] {
  const lists = property(server, '_workers');
  return Array.isArray(lists) ? lists.flatMap((list: unknown) => objectProperty(list, 'child') ?? []) : [];
}

/** A process at the other end of an IPC channel: the parent (`process` itself) or a child. */
type Peer = Pick<NodeJS.Process, 'on' | 'removeListener'>;

/**
 * Calls `received` with each socket that the parent or a child sends (`child.send(message, socket)`), before the application gets
 * it. It listens for 'internalMessage', which is what Node sends itself: unlike one for 'message' such a listener does not keep
 * the process alive, and nothing depends on it. Returns its dispose function.
 */
export function listenForReceivedSockets(
  received: (socket: Socket, from: number) => void,
  onError: () => void,
): () => void {
  let open = true;
  const listenerFor = (pid: number) => (message: unknown, handle: unknown) => {
    try {
      if (!open || stringProperty(message, 'type') !== 'net.Socket') return;
      const socket = ownerOf(handle);
      if (socket) received(socket, pid);
    } catch {
      onError();
    }
  };
  const listenTo = (peer: Peer, pid: number): (() => void) => {
    const listener = listenerFor(pid);
    peer.on('internalMessage' as 'message', listener);
    return () => peer.removeListener('internalMessage', listener);
  };
  const stop = process.channel === undefined ? undefined : listenTo(process, process.ppid);
  const onChild = (message: unknown): void => {
    // Announced in its constructor: Node's own listener, which makes the socket, has to come before this one.
    queueMicrotask(() => {
      const child = objectProperty<Peer>(message, 'process');
      const pid = child && pidOf(child);
      // Not taken off again: to hold a child for that would keep it from being collected.
      if (open && pid !== undefined && property(child, 'connected') === true)
        fact(() => listenTo(child!, pid), undefined);
    });
  };
  subscribe('child_process', onChild);
  return () => {
    open = false;
    unsubscribe('child_process', onChild);
    stop?.();
  };
}

/** The socket that was made of a handle (`handle[owner_symbol]`). */
function ownerOf(handle: unknown): Socket | undefined {
  const owner = underSymbol(handle, 'owner_symbol');
  return typeof property(owner, 'bytesRead') === 'number' ? (owner as Socket) : undefined;
}
