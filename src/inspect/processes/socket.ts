import { TcpState, tcpStateName, type TcpStateName } from '../../base/tcp-states.js';
import type { LeakKind } from '../../base/vocabulary.js';
import { unpackEndpoints } from '../../kernel/endpoints.js';
import type { NativeBinding } from '../../kernel/native.js';
import type { BorrowedSocket, ListedSocket } from '../../kernel/other-process.js';
import { isFull } from '../../sockets/states.js';

/** One TCP socket of a process, as plain data. Times are milliseconds, sizes bytes; undefined is what the kernel does not tell. */
export interface InspectedSocket {
  /** The lowest of its fds in the process. */
  readonly fd: number;
  /** Of its file, as in `socket:[4711]`. */
  readonly inode: number;
  /** The kernel's socket cookie (SO_COOKIE) in decimal, as in a leak's `id`. */
  readonly id: string | undefined;
  /** The TCP state's name, as in tcp(7). */
  readonly state: TcpStateName;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** As `ss` shows it: an unread FIN counts one, and of a listener it is the connections that wait to be accepted. */
  readonly receiveQueue: number | undefined;
  /** As `ss` shows it: an unacknowledged FIN or SYN counts one, and of a listener it is the most that may wait. */
  readonly sendQueue: number | undefined;
  /** Received, and not read by the process. */
  readonly unreadBytes: number | undefined;
  /** Written, and not acknowledged by the peer. */
  readonly unsentBytes: number | undefined;
  /** What the peer may still send; 0 when the receive buffer is full. Linux 6.2 and later. */
  readonly receiveWindow: number | undefined;
  readonly bytesReceived: number | undefined;
  readonly bytesAcked: number | undefined;
  /** Since the last data came, a FIN not counted. */
  readonly lastDataReceivedMs: number | undefined;
  readonly lastDataSentMs: number | undefined;
  /** Since the peer was last heard of: its FIN, an ACK, the answer to a keep-alive probe. */
  readonly lastAckReceivedMs: number | undefined;
  /** What its queues take of the kernel's memory. */
  readonly memoryBytes: number | undefined;
}

/** How it looks at one moment; undefined for a socket that looks healthy. */
export function kindOf(socket: InspectedSocket): LeakKind | undefined {
  if (socket.state === 'CLOSE_WAIT') return 'close-wait';
  if (socket.state === 'CLOSE') return wasConnected(socket) ? 'reset' : undefined;
  const isFullNow = isFull(TcpState[socket.state], socket.receiveWindow ?? -1, socket.unreadBytes ?? -1);
  return isFullNow ? 'stalled' : undefined;
}

/** CLOSE is also the state of a socket that was never connected: one that has carried a byte or a FIN was. */
function wasConnected({ bytesReceived = 0, bytesAcked = 0 }: InspectedSocket): boolean {
  return bytesReceived > 0 || bytesAcked > 0;
}

export function socketOfRow(binding: NativeBinding, row: ListedSocket): InspectedSocket {
  return {
    ...{ fd: row.fd, inode: row.inode, id: row.cookie === 0n ? undefined : String(row.cookie) },
    ...queuesOf(row.state, row.receiveQueue, row.sendQueue),
    ...unpackEndpoints(binding, row.endpoints),
    receiveWindow: row.state === TcpState.LISTEN ? undefined : told(row.receiveWindow),
    ...progressOf(row),
    memoryBytes: told(row.memoryBytes),
  };
}

/** Of a socket that no table lists, so that its queues are SIOCINQ and SIOCOUTQ: neither counts a FIN. */
export function socketOfBorrowed(binding: NativeBinding, row: BorrowedSocket): InspectedSocket {
  return {
    ...{ fd: row.fd, inode: row.inode, id: String(row.cookie) },
    ...queuesOf(row.state, row.unreadBytes, row.unsentBytes),
    unreadBytes: told(row.unreadBytes),
    unsentBytes: told(row.unsentBytes),
    ...unpackEndpoints(binding, row.endpoints),
    // Of a socket that was never connected, times count from the start of the machine.
    ...(row.bytesReceived > 0 || row.bytesAcked > 0 ? progressOf(row) : NO_PROGRESS),
    ...{ receiveWindow: told(row.receiveWindow), memoryBytes: undefined },
  };
}

type Queues = Pick<InspectedSocket, 'state' | 'receiveQueue' | 'sendQueue' | 'unreadBytes' | 'unsentBytes'>;

/**
 * Of the two queues as sock_diag(7) and proc_net_tcp tell them, in sequence numbers. A FIN is the last one of its direction: where it
 * counts, whatever is in the queue has it behind it.
 */
export function queuesOf(state: number, receiveQueue: number, sendQueue: number): Queues {
  const isListener = state === TcpState.LISTEN;
  return {
    state: tcpStateName(state),
    receiveQueue: told(receiveQueue),
    sendQueue: told(sendQueue),
    unreadBytes: isListener ? undefined : withoutFin(receiveQueue, RECEIVED_FIN.has(state)),
    unsentBytes: isListener ? undefined : withoutFin(sendQueue, SENT_FIN.has(state)),
  };
}

const RECEIVED_FIN: ReadonlySet<number> = new Set([TcpState.CLOSE_WAIT, TcpState.LAST_ACK, TcpState.CLOSING]);
/** Not FIN_WAIT2: there it is acknowledged. A SYN counts one, too. */
const SENT_FIN: ReadonlySet<number> = new Set([
  ...[TcpState.FIN_WAIT1, TcpState.LAST_ACK, TcpState.CLOSING],
  ...[TcpState.SYN_SENT, TcpState.SYN_RECV],
]);

function withoutFin(queue: number, fin: boolean): number | undefined {
  return queue < 0 ? undefined : fin ? Math.max(0, queue - 1) : queue;
}

type Times = Record<
  'state' | 'bytesReceived' | 'bytesAcked' | 'lastDataRecvMs' | 'lastDataSentMs' | 'lastAckRecvMs',
  number
>;

/** Where the kernel tells of none. */
export const NO_PROGRESS = {
  ...{ bytesReceived: undefined, bytesAcked: undefined },
  ...{ lastDataReceivedMs: undefined, lastDataSentMs: undefined, lastAckReceivedMs: undefined },
} as const;

/** Of a listener tcp_get_info() leaves the rest of the struct as it is. */
function progressOf(row: Readonly<Times>) {
  const of = (value: number): number | undefined => (row.state === TcpState.LISTEN ? undefined : told(value));
  return {
    bytesReceived: of(row.bytesReceived),
    bytesAcked: of(row.bytesAcked),
    lastDataReceivedMs: of(row.lastDataRecvMs),
    lastDataSentMs: of(row.lastDataSentMs),
    lastAckReceivedMs: of(row.lastAckRecvMs),
  };
}

const told = (value: number): number | undefined => (value < 0 ? undefined : value);
