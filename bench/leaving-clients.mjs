// The other end of measured sockets, in a process of its own that is told what to do. Its clock is the one of the measured process:
// both are CLOCK_MONOTONIC.
import { once } from 'node:events';
import { connect } from 'node:net';

const AT_ONCE = 200;
const sockets = [];

export const clockMs = () => Number(process.hrtime.bigint()) / 1e6;

const tasks = {
  /** Opens so many connections. */
  async open({ port, host, count }) {
    for (let left = count; left > 0; left -= AT_ONCE) {
      const batch = Array.from({ length: Math.min(left, AT_ONCE) }, () => connect({ port, host }));
      await Promise.all(batch.map((socket) => once(socket, 'connect')));
      for (const socket of batch) socket.on('error', () => undefined);
      sockets.push(...batch);
    }
    return {};
  },
  /** Leaves so many of them, one after another within `overMs`; returns when each FIN was sent, by the client's port. */
  async leave({ count, overMs = 0 }) {
    const left = {};
    for (const [i, socket] of sockets.splice(0, count).entries()) {
      if (overMs > 0 && i > 0) await new Promise((resolve) => setTimeout(resolve, overMs / count));
      left[socket.localPort] = clockMs();
      // A bare FIN would be read by Node, and nothing leak.
      socket.end('nobody reads this');
    }
    return { left };
  },
};

process.on('message', async (message) => {
  if (message.what === 'reset') {
    for (const socket of sockets) socket.resetAndDestroy();
    process.disconnect();
    return;
  }
  process.send(await tasks[message.what](message));
});
// The measured process is gone: nothing is left to be the other end of.
process.on('disconnect', () => process.exit());
