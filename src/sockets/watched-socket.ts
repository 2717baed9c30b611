import type { Socket } from 'node:net';
import type { Side } from '../base/vocabulary.js';

/** One socket that the table knows. There is one for each open connection: a field more is 8 bytes a connection. */
export class WatchedSocket {
  readonly cookie: bigint;
  readonly fd: number;
  readonly side: Side;
  /** Weak: being watched must not keep a socket alive. Undefined when no JS socket of this thread owns the fd. */
  readonly socket: WeakRef<Socket> | undefined;
  /** Packed; undefined until somebody needs to know, see {@link SuspectReader}. */
  endpoints: Uint8Array | undefined;
  /** When it was last known to be open, in whole ms. */
  openAtMs: number;
  /** The sample in which it went on the watch: an event of that same sample may be older than the watch. */
  readonly addedInSample: number;
  aborted = false;
  /** A guard has found that it is a leak: from then on it is read in slices. */
  isLeak = false;
  /** Its owner was found to have closed it. */
  closeSeen = false;
  /** False where no event will tell of its half-close: the kernel has refused to watch it. */
  onWatch = true;

  constructor(
    cookie: bigint,
    fd: number,
    side: Side,
    socket: WeakRef<Socket> | undefined,
    openAtMs: number,
    addedInSample: number,
  ) {
    this.cookie = cookie;
    this.fd = fd;
    this.side = side;
    this.socket = socket;
    this.endpoints = undefined;
    // V8 keeps a number with a fraction in an object of its own.
    this.openAtMs = Math.floor(openAtMs);
    this.addedInSample = addedInSample;
  }
}
