import type { Socket } from 'node:net';
import type { TcpFd } from '../kernel/fd-walk.js';
import type { NativeBinding } from '../kernel/native.js';
import type { SocketBatch } from '../kernel/socket-batch.js';
import { TcpState } from '../kernel/tcp-states.js';
import { activeSockets, fdOf } from './node-internals.js';

/** Of these fds, those whose peer has left or cannot: the others are nobody's business. */
export function withoutPeer(binding: NativeBinding, fds: readonly TcpFd[], batch: SocketBatch): TcpFd[] {
  batch.clear();
  for (const { fd } of fds) batch.push(fd);
  batch.read(binding);
  return fds.filter(
    ({ cookie }, row) => batch.cookie(row) === cookie && (hasLostPeer(batch, row) || isStalled(batch, row)),
  );
}

/** CLOSE is also the state of a socket that was never connected: one that has carried a byte or a FIN was. */
function hasLostPeer(batch: SocketBatch, row: number): boolean {
  const state = batch.field(row, 'state');
  if (state === TcpState.CLOSE_WAIT) return true;
  return state === TcpState.CLOSE && (batch.field(row, 'bytesReceived') > 0 || batch.field(row, 'bytesAcked') > 0);
}

/**
 * ESTABLISHED with a full receive window and bytes nobody takes: a FIN, if the peer has sent one, waits behind them
 * (RFC 9293, 3.8.6). Kernels before 6.2 do not tell the window (`tcpi_rcv_wnd`); there, a queue that fills the smallest
 * usual receive buffer stands for it.
 */
export function isStalled(batch: SocketBatch, row: number): boolean {
  if (batch.field(row, 'state') !== TcpState.ESTABLISHED) return false;
  const window = batch.field(row, 'receiveWindow');
  const unread = batch.field(row, 'unreadBytes');
  return window === -1 ? unread >= FULL_QUEUE_BYTES : window === 0 && unread > 0;
}

const FULL_QUEUE_BYTES = 65_536;

/** The JS sockets of this thread by fd. Costs a walk over all of them, so it is asked only when a stranger turned up. */
export function socketsByFd(pending: readonly Socket[]): Map<number, Socket> {
  const byFd = new Map<number, Socket>();
  for (const socket of [...activeSockets(), ...pending]) {
    const fd = fdOf(socket);
    if (fd !== undefined) byFd.set(fd, socket);
  }
  return byFd;
}
