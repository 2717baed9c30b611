// Ends each connection whose client has ended, but for those that say `L`: these it forgets until the guard's log has
// them, and then ends them after all.
// Each time that EVERY connections more have come to their end it lets the guard take its samples, collects, prints a line of JSON with what
// memory is left, and so asks for the next ones. The guard is preloaded and logs to a file.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { setImmediate as aTurn, setTimeout as after } from 'node:timers/promises';

const [every, connections] = process.argv.slice(2).map(Number);
/** A leak that the log has not by then is released all the same, and will be missing there. */
const RELEASED_AFTER_MS = 30_000;
/** Some samples: announced sockets wait for the next one. */
const QUIET_MS = 400;
/** The first frees what the last weak references held until the turn was over, and so on. */
const COLLECTIONS = 3;

let ended = 0;
let leaked = 0;
/** By fd, in the order in which they were forgotten. */
const forgotten = new Map();

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('readable', () => {
    if (socket.read(1)?.[0] !== 0x4c) return socket.resume();
    // The byte behind it is left: the end waits there.
    leaked++;
    forgotten.set(socket._handle.fd, { socket, sinceMs: performance.now() });
  });
  socket.once('close', () => {
    if (++ended % every === 0 || ended === connections) void measure();
  });
});

const log = fs.openSync(process.env.CLOSE_WAIT_GUARD_LOG, 'a+');
const chunk = Buffer.alloc(65_536);
let readBytes = 0;
let line = '';

/** The fds of the leaks that the log has by now, and had not when this was last asked. */
function* toldFds() {
  for (let count; (count = fs.readSync(log, chunk, 0, chunk.length, readBytes)) > 0; readBytes += count) {
    const lines = (line + chunk.latin1Slice(0, count)).split('\n');
    line = lines.pop();
    for (const { event, leak } of lines.map((text) => JSON.parse(text))) if (event === 'leak') yield leak.fd;
  }
}

function release(fd) {
  const { socket } = forgotten.get(fd) ?? {};
  forgotten.delete(fd);
  socket?.destroy();
}

setInterval(() => {
  for (const fd of toldFds()) release(fd);
  const until = performance.now() - RELEASED_AFTER_MS;
  for (const [fd, { sinceMs }] of forgotten) {
    if (sinceMs > until) break;
    release(fd);
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
