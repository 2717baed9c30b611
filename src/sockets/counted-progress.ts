import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import { TcpState } from '../base/tcp-states.js';
import type { SocketRecord } from '../kernel/socket-batch.js';

/**
 * Where the kernel refuses a count, the socket's own stands in for it, so that progress is still seen: without TCP_INFO the
 * bytes received and acknowledged, without SIOCINQ the unread ones. The JS socket counts what it has taken from the kernel
 * and what it was given to write.
 */
export function withCountedProgress(record: SocketRecord, socket: Socket): SocketRecord {
  const { bytesReceived, bytesAcked, unreadBytes, unsentBytes, state } = record;
  if (bytesReceived >= 0 && bytesAcked >= 0 && unreadBytes >= 0) return record;
  const read = fact(() => socket.bytesRead, 0);
  const written = fact(() => socket.bytesWritten - socket.writableLength, 0);
  // tcpi_bytes_received counts the FIN as one.
  const fin = state === TcpState.CLOSE_WAIT ? 1 : 0;
  return {
    ...record,
    bytesReceived: bytesReceived >= 0 ? bytesReceived : read + Math.max(0, unreadBytes),
    bytesAcked: bytesAcked >= 0 ? bytesAcked : written - Math.max(0, unsentBytes),
    unreadBytes: unreadBytes < 0 && bytesReceived >= 0 ? Math.max(0, bytesReceived - fin - read) : unreadBytes,
  };
}
