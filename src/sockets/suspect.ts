import type { Server, Socket } from 'node:net';
import { hasReceiveSideOpen, TcpState } from '../base/tcp-states.js';
import type { LeakKind, Side } from '../base/vocabulary.js';
import type { SocketRecord } from '../kernel/socket-batch.js';
import type { Transfers } from './transfers.js';

/**
 * What a socket is in at this moment. `closing` while the kernel finishes a close (LAST_ACK, CLOSING): not a leak, and not gone
 * yet.
 */
export type SuspectKind = LeakKind | 'closing';

/** Counts that change when a socket makes progress. Times in ms, on the clock of the samples. */
export interface Progress {
  readonly kind: SuspectKind;
  /** The TCP state, of which any change is progress. */
  readonly state: number;
  /** Bytes this process has taken from the kernel so far. */
  readonly readBytes: number;
  /** Bytes that wait in the layers above the kernel; falls when the application reads. */
  readonly bufferedBytes: number;
  /** Bytes the peer has acknowledged so far. */
  readonly ackedBytes: number;
  /** Bytes that wait in the streams that it is piped to; falls when whoever is behind them reads. */
  readonly pipedBytes: number;
  /** A checksum of what those streams count themselves; any change is progress. */
  readonly pipedCounts?: number | undefined;
  /** Bytes acknowledged so far by the peers of the sockets that it is piped to; undefined where it is piped to none. */
  readonly drainedBytes: number | undefined;
  /** `tcpi_last_ack_recv`: time since the last ACK. A FIN sets it, a later ACK sets it again. -1 when not known. */
  readonly lastAckAgeMs: number;
  /** When the socket was last known to be open; 0 when it never was seen so. */
  readonly openAtMs: number;
}

/** A half-closed, reset or stalled socket as one sample read it. */
export interface Suspect {
  /** The kernel's SO_COOKIE: unique for the life of the kernel, never reused like an fd. */
  readonly cookie: bigint;
  readonly fd: number;
  readonly side: Side;
  /** No JS socket of this thread had it when it was found: another thread or process may answer for it. */
  readonly unowned: boolean;
  /** Undefined when no JS socket of this thread owns the fd (or it was collected). */
  readonly socket: Socket | undefined;
  /** The server that accepted it; for a socket without a JS socket, the one of this thread that listens on its port. */
  readonly server: Server | undefined;
  /** Only another process has it: its inode. There is no fd then (-1). */
  readonly foreignInode: number | undefined;
  /** No JS socket has this fd, and one of this thread had it before. */
  readonly detached: boolean;
  readonly record: SocketRecord;
  readonly progress: Progress;
  /** A RST or a time-out ended it, not an orderly close. */
  readonly aborted: boolean;
  /** Packed endpoints, read while the connection had them; see kernel/endpoints.ts. */
  readonly endpoints: Uint8Array;
  /** Tells whether it came from another process, or went to one. */
  readonly transfers: Transfers;
}

/** What is read above the kernel for {@link Progress}. */
export type ProgressAbove = Pick<Progress, 'bufferedBytes' | 'pipedBytes' | 'pipedCounts' | 'drainedBytes'>;

export function progressOf(record: SocketRecord, above: ProgressAbove, openAtMs: number): Progress {
  const { bufferedBytes, pipedBytes, pipedCounts, drainedBytes } = above;
  return {
    kind: kindOf(record.state),
    state: record.state,
    readBytes: record.bytesReceived - Math.max(0, record.unreadBytes),
    ackedBytes: record.bytesAcked,
    bufferedBytes,
    pipedBytes,
    pipedCounts,
    drainedBytes,
    lastAckAgeMs: record.lastAckRecvMs,
    openAtMs,
  };
}

function kindOf(state: number): SuspectKind {
  if (state === TcpState.CLOSE_WAIT) return 'close-wait';
  if (hasReceiveSideOpen(state)) return 'stalled';
  return state === TcpState.CLOSE ? 'reset' : 'closing';
}
