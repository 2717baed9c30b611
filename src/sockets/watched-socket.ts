import type { Socket } from 'node:net';
import type { Side } from '../base/vocabulary.js';

/** One socket that the table knows. */
export interface WatchedSocket {
  readonly cookie: bigint;
  readonly fd: number;
  readonly side: Side;
  /** Weak: being watched must not keep a socket alive. Undefined when no JS socket of this thread owns the fd. */
  readonly socket: WeakRef<Socket> | undefined;
  readonly endpoints: Uint8Array;
  openAtMs: number;
  /** The sample in which it went on the watch: an event of that same sample may be older than the watch. */
  readonly addedInSample: number;
  aborted: boolean;
  /** A guard has found that it is a leak: from then on it is read in slices. */
  isLeak: boolean;
  /** Its owner was found to have closed it. */
  closeSeen: boolean;
  /** False where no event will tell of its half-close: the kernel has refused to watch it. */
  onWatch: boolean;
}

export function newWatchedSocket(
  cookie: bigint,
  fd: number,
  side: Side,
  socket: WeakRef<Socket> | undefined,
  endpoints: Uint8Array,
  openAtMs: number,
  addedInSample: number,
): WatchedSocket {
  return {
    ...{ cookie, fd, side, socket, endpoints, openAtMs, addedInSample },
    aborted: false,
    isLeak: false,
    closeSeen: false,
    onWatch: true,
  };
}
