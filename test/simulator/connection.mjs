import { DISEASES, JsPipe, JsSocket, SERVERS } from './diseases.mjs';

export const [ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE, CLOSE_WAIT, LAST_ACK] = [1, 4, 5, 7, 8, 9];
/** Of each receive buffer, bytes. */
const WINDOW = 100;
/** fds of the sockets that others are piped to. */
export const FIRST_SINK_FD = 90;
const FIRST_PEER_PORT = 50_000;

/** A connection as the kernel has it, and what stands above it. Only what is told by getsockopt(2) and by Node is read by the guard. */
export class Connection {
  state = ESTABLISHED;
  unread = 0;
  unsent = 0;
  received = 0;
  acked = 0;
  /** The peer has sent so much more than the window takes. */
  pending = 0;
  peerHasEnded = false;
  wasReset = false;
  lastAckAtMs;
  /** Since when it is half-closed, reset or stalled; a later one of these sets it anew. */
  suspectSinceMs = 0;
  /** How often anything has moved that counts as progress. */
  progress = 0;
  /** How often the application has read while more could come. */
  readings = 0;
  isOpen = true;
  js;
  /** Holds bytes above the stream. */
  message;
  pipe;
  sinkAcked = 0;
  cause;
  /** Only another process has it. */
  isGiven = false;
  isHolderKnown = false;
  isElsewhere = false;
  isPoisoned = false;
  /** What the referee has seen of it, by guard. */
  seen = [undefined, undefined];
  /** The guard that counts it as a leak. */
  countedBy = undefined;
  /** The guard was told that another one answers for it. */
  wasAnswered = false;

  constructor(cookie, slot, fd, nowMs, amount) {
    this.cookie = cookie;
    this.slot = slot;
    this.fd = fd;
    this.lastAckAtMs = nowMs;
    this.server = amount & 1;
    const hasJs = (amount & 0x70) !== 0;
    const disease = DISEASES[((amount >>> 8) & 0xff) % DISEASES.length];
    this.isOutbound = hasJs && disease.isOutbound === true;
    this.side = hasJs ? (this.isOutbound ? 'outbound' : 'inbound') : 'unknown';
    // One of a server of this thread was accepted by it: when no JS socket has it, one has lost it.
    this.cause = hasJs ? disease.cause : this.server === 1 ? 'detached-handle' : 'not-owned-by-this-thread';
    if (!hasJs) return;
    this.js = new JsSocket(fd);
    if (!this.isOutbound) this.js.server = SERVERS[this.server];
    this.message = disease.fall(this.js);
    if ((amount & 0x3000000) === 0) {
      this.pipe = new JsPipe(FIRST_SINK_FD + slot);
      (this.message ?? this.js)._readableState.pipes.push(this.pipe);
    }
  }

  get buffer() {
    return this.message ?? this.js;
  }

  get isReadable() {
    return this.state === ESTABLISHED || this.state === FIN_WAIT1 || this.state === FIN_WAIT2;
  }

  get window() {
    return WINDOW - this.unread;
  }
}

const PACKED = new Map();

/** Both ends, as the addon packs them: family, ports, addresses (see ENDPOINTS in guard.mjs). */
export function packed({ server, port, isOutbound }) {
  const key = server * 8 + port * 2 + (isOutbound ? 1 : 0);
  let bytes = PACKED.get(key);
  if (!bytes) {
    bytes = new Uint8Array(37);
    bytes[0] = 4;
    const [here, there] = [8_000 + server, FIRST_PEER_PORT + port];
    bytes.set([here & 0xff, here >>> 8, there & 0xff, there >>> 8, 10, 0, 0, 1], 1);
    bytes.set([10, 0, 0, isOutbound ? 3 : 2], 21);
    PACKED.set(key, bytes);
  }
  return bytes;
}
