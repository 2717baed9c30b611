// The other end of the measured sockets, in a process of its own: opens connections, leaves some of them, and at the end
// resets all, so that no TIME_WAIT is left for the next trial's ss and /proc to list.
import { once } from 'node:events';
import { connect } from 'node:net';

const AT_ONCE = 200;
const groups = new Map();

async function open(port, count) {
  const sockets = [];
  groups.set(port, sockets);
  for (let left = count; left > 0; left -= AT_ONCE) {
    const batch = Array.from({ length: Math.min(left, AT_ONCE) }, () => connect({ port, host: '127.0.0.1' }));
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    for (const socket of batch) socket.on('error', () => undefined);
    sockets.push(...batch);
  }
}

/** Sends a few bytes and the FIN: read by nobody, it is the plainest leak there is. */
function leave(port) {
  for (const socket of groups.get(port)) socket.end('nobody reads this');
}

/** So many connections a second, each of which lives for a tenth of one. */
function churn(port, count) {
  setInterval(() => {
    for (let i = 0; i < count / 50; i++) {
      const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
      setTimeout(() => socket.resetAndDestroy(), 100);
    }
  }, 20);
}

function reset() {
  for (const socket of [...groups.values()].flat()) socket.resetAndDestroy();
  process.disconnect();
  process.exit();
}

process.on('message', async ({ what, port, count }) => {
  if (what === 'reset') return reset();
  if (what === 'open') await open(port, count);
  else if (what === 'churn') churn(port, count);
  else leave(port);
  process.send({ done: what });
});
// The measured process is gone: nothing is left to be the other end of.
process.on('disconnect', () => process.exit());
