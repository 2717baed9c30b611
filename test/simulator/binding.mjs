import { ESTABLISHED, FIRST_SINK_FD } from './connection.mjs';

/** What the addon is to the library, over a kernel that is none. */
export class SimulatedBinding {
  kernel;
  endpointBytes = 37;
  endpointOffsets = { family: 0, localPort: 1, remotePort: 3, localAddress: 5, remoteAddress: 21 };
  #columns;

  constructor(fields) {
    this.#columns = fields;
  }

  readSockets(fds, count, values, cookies) {
    const width = this.#columns.length;
    for (let row = 0; row < count; row++) {
      values.fill(-1, row * width, (row + 1) * width);
      cookies[row] = 0n;
      const isSink = fds[row] >= FIRST_SINK_FD;
      const socket = isSink ? this.kernel.sockets[fds[row] - FIRST_SINK_FD] : this.kernel.withFd(fds[row]);
      values[row * width] = socket ? 0 : 9;
      if (!socket) continue;
      const record = isSink ? sinkOf(socket) : recordOf(socket, this.kernel.nowMs);
      this.#columns.forEach((name, column) => (values[row * width + column] = record[name] ?? 0));
      cookies[row] = socket.cookie;
    }
    return count;
  }

  formatAddress(address, offset) {
    return address.subarray(offset, offset + 4).join('.');
  }
}

/** What getsockopt(2) and ioctl(2) tell. */
export const recordOf = (socket, nowMs) => ({
  state: socket.state,
  bytesReceived: socket.received,
  bytesAcked: socket.acked,
  unreadBytes: socket.unread,
  unsentBytes: socket.unsent,
  receiveWindow: socket.window,
  lastAckRecvMs: nowMs - socket.lastAckAtMs,
  infoErrno: 0,
});

const sinkOf = ({ sinkAcked }) => ({ state: ESTABLISHED, bytesAcked: sinkAcked });
