// Ends each connection whose client has ended, but for those that say `L`: these it forgets for a while, and then ends them after all.
// Prints a line of JSON every EVERY connections, and one at the end; the guard is preloaded and logs to a file.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

const [every, connections] = process.argv.slice(2).map(Number);
/** Longer than closeWaitTimeout and two samples. */
const RELEASED_AFTER_MS = 1_200;

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
    if (++ended % every === 0) print();
    if (ended === connections) process.emit('soaked');
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

function print(more = {}) {
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  const row = { ended, leaked, rss, heapUsed: heapUsed + external, fds: openFds(), ...more };
  fs.writeSync(1, `${JSON.stringify(row)}\n`);
}

server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
await once(server, 'listening');
const fdsBefore = openFds();
fs.writeSync(1, `${JSON.stringify({ port: server.address().port })}\n`);
await once(process, 'soaked');
// The last samples, and what the log still has to write.
await new Promise((resolve) => setTimeout(resolve, 1_000));
const { user, system } = process.cpuUsage();
print({ fdsBefore, cpuS: (user + system) / 1e6 });
process.exit();
