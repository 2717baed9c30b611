import type { Socket } from 'node:net';
import { TcpState } from '../base/tcp-states.js';
import type { TcpFd } from '../kernel/fd-walk.js';
import type { NativeBinding } from '../kernel/native.js';
import type { SocketBatch } from '../kernel/socket-batch.js';
import { activeSockets, fdOf } from '../layers/node-internals.js';

export interface Stranger extends TcpFd {
  /** The kernel tells its state and not how many bytes came in (TCP_INFO is refused or short). */
  readonly progressUnknown: boolean;
}

/** Of these fds, those whose socket is half-closed, reset or stalled. */
export function withoutPeer(binding: NativeBinding, fds: readonly TcpFd[], batch: SocketBatch): Stranger[] {
  batch.clear();
  for (const { fd } of fds) batch.push(fd);
  batch.read(binding);
  return fds.flatMap((found, row) =>
    batch.cookie(row) === found.cookie && (hasLostPeer(batch, row) || isStalled(batch, row))
      ? [{ ...found, progressUnknown: batch.field(row, 'bytesReceived') === -1 }]
      : [],
  );
}

/** CLOSE is also the state of a socket that was never connected: one that has carried a byte or a FIN was. */
function hasLostPeer(batch: SocketBatch, row: number): boolean {
  const state = batch.field(row, 'state');
  if (state === TcpState.CLOSE_WAIT) return true;
  if (state !== TcpState.CLOSE) return false;
  // poll(2) calls only a connection that was reset CLOSE.
  if (batch.infoRefused(row)) return true;
  return batch.field(row, 'bytesReceived') > 0 || batch.field(row, 'bytesAcked') > 0;
}

/** The state of a connection that needs an event to be noticed: half-closed or reset. */
export function isHalfClosedOrReset(batch: SocketBatch, row: number): boolean {
  const state = batch.field(row, 'state');
  return state === TcpState.CLOSE_WAIT || state === TcpState.CLOSE;
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
  // The queue is refused (-1) where SIOCINQ is; the window alone tells then.
  return window === -1 ? unread >= FULL_QUEUE_BYTES : window === 0 && unread !== 0;
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
