// Ends each connection whose client has ended, but for those that say `L`: these it forgets for a while, and then ends them after all.
// Each time that EVERY connections more have come to their end it lets the guard take its samples, collects, prints a line of JSON with what
// memory is left, and so asks for the next ones. The guard is preloaded and logs to a file.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { setImmediate as aTurn, setTimeout as after } from 'node:timers/promises';

const [every, connections] = process.argv.slice(2).map(Number);
/** Longer than closeWaitTimeout and two samples. */
const RELEASED_AFTER_MS = 1_200;
/** Some samples: announced sockets wait for the next one. */
const QUIET_MS = 400;
/** The first frees what the last weak references held until the turn was over, and so on. */
const COLLECTIONS = 3;

let ended = 0;
let leaked = 0;
const forgotten = new Set();

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('readable', () => {
    if (socket.read(1)?.[0] !== 0x4c) return socket.resume();
    // The byte behind it is left: the end waits there.
    leaked++;
    forgotten.add({ socket, sinceMs: performance.now() });
  });
  socket.once('close', () => {
    if (++ended % every === 0 || ended === connections) void measure();
  });
});

setInterval(() => {
  const until = performance.now() - RELEASED_AFTER_MS;
  for (const entry of forgotten) {
    if (entry.sinceMs > until) break;
    forgotten.delete(entry);
    entry.socket.destroy();
  }
}, 50);

const openFds = () => fs.readdirSync('/proc/self/fd').length;

/** No connection is open, none is coming: what is there has been kept of those before. */
async function measure() {
  await after(QUIET_MS);
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc();
    await aTurn();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const row = { ended, leaked, rss, heapUsed: heapUsed + external, fds: openFds(), fdsBefore };
  fs.writeSync(1, `${JSON.stringify({ ...row, cpuS: (user + system) / 1e6 })}\n`);
  if (ended === connections) process.exit();
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
await once(server, 'listening');
const fdsBefore = openFds();
fs.writeSync(1, `${JSON.stringify({ port: server.address().port, ended })}\n`);
