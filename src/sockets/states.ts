import { hasReceiveSideOpen, TcpState } from '../base/tcp-states.js';
import type { SocketBatch } from '../kernel/socket-batch.js';

/** CLOSE is also the state of a socket that was never connected: one that has carried a byte or a FIN was. */
export function hasLostPeer(batch: SocketBatch, row: number): boolean {
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
 * A full receive window and bytes nobody takes: a FIN, if the peer has sent one, waits behind them (RFC 9293, 3.8.6). The state
 * is ESTABLISHED, or FIN_WAIT1 or 2 where this end has ended its own sending: then the kernel keeps it until the fd is closed. Kernels before 6.2 do not tell the window (`tcpi_rcv_wnd`); there, a queue that fills the smallest
 * usual receive buffer stands for it.
 */
export function isStalled(batch: SocketBatch, row: number): boolean {
  return isFull(batch.field(row, 'state'), batch.field(row, 'receiveWindow'), batch.field(row, 'unreadBytes'));
}

/** {@link isStalled} of a socket that is no row of a batch. -1 stands for what the kernel does not tell. */
export function isFull(state: number, window: number, unread: number): boolean {
  if (!hasReceiveSideOpen(state)) return false;
  // The queue is refused (-1) where SIOCINQ is; the window alone tells then.
  return window === -1 ? unread >= FULL_QUEUE_BYTES : window === 0 && unread !== 0;
}

const FULL_QUEUE_BYTES = 65_536;
