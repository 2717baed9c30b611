// An HTTP/2 client that is kept from reading by what it cannot write, and whose server has half-closed: a leak, under a guard
// that reclaims. Prints what came of it, and must not die of it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { createGuard } from 'close-wait-guard';

const [DATA, HEADERS, SETTINGS, WINDOW_UPDATE] = [0, 1, 4, 8];
function frame(type, flags, stream, body = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

const accepted = [];
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  accepted.push(socket);
  socket.on('error', () => {}).pause();
  const window = Buffer.alloc(4);
  window.writeUInt32BE(0x7ffe_ffff);
  const settings = Buffer.alloc(6);
  settings.writeUInt16BE(4, 0);
  settings.writeUInt32BE(0x7fff_ffff, 2);
  socket.write(Buffer.concat([frame(SETTINGS, 0, 0, settings), frame(WINDOW_UPDATE, 0, 0, window)]));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();

const session = http2.connect(`http://127.0.0.1:${port}`);
let sessionClosed = false;
session.on('close', () => (sessionClosed = true));
const stream = session.request({ ':method': 'POST', ':path': '/' });
stream.on('error', () => {}).resume();
await once(session, 'connect');
// Until the server's window is full: what was written then stays as it is.
const pump = () => {
  while (stream.write(Buffer.alloc(65_536)));
};
stream.on('drain', pump);
pump();
for (let written, same = 0; same < 5; same = session.socket.bytesWritten === written ? same + 1 : 0) {
  written = session.socket.bytesWritten;
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const guard = createGuard({
  closeWaitTimeout: 300,
  sampleInterval: 50,
  reclaim: { filter: (leak) => leak.side === 'outbound' },
});
const [peer] = accepted;
peer.write(frame(HEADERS, 4, 1, Buffer.from([0x88])));
for (let i = 0; i < 20; i++) peer.write(frame(DATA, 0, 1, Buffer.alloc(3_000)));
peer.end();
let reclaimed = 0;
guard.on('reclaimed', () => reclaimed++);
const leaked = new Promise((resolve) => {
  guard.on('leak', (leak) => {
    if (leak.side === 'outbound') resolve(`${leak.kind} ${leak.side}`);
  });
});
const leak = await leaked;
while (!sessionClosed) await new Promise((resolve) => setTimeout(resolve, 20));

const hex = port.toString(16).toUpperCase().padStart(4, '0');
const rows = readFileSync('/proc/self/net/tcp', 'latin1')
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
  .filter((fields) => fields[2]?.endsWith(`:${hex}`) && fields[9] !== '0').length;
console.log(JSON.stringify({ leak, reclaimed, sessionClosed, rows }));
guard.close();
server.close();
for (const socket of accepted) socket.destroy();
