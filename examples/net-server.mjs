/**
 * A raw TCP server: createGuard() and watch(). The same for tls, http, https and http2 servers.
 *
 *   node examples/net-server.mjs
 *   curl -m 1 telnet://127.0.0.1:3000
 */
import { createServer } from 'node:net';
import { createGuard } from 'close-wait-guard';

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => socket.write(data));
  socket.on('end', () => {
    // The bug: with allowHalfOpen our side is ours to end. `socket.end()` belongs here.
  });
});

const guard = createGuard({
  closeWaitTimeout: 2_000, // 60 s by default; short here, so that you need not wait
  onLeak: (leak, socket) => {
    console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
    // The socket itself comes along: log what you know of it, or end it.
    socket?.destroy();
  },
});
guard.watch(server, { name: 'echo' });
guard.on('released', (leak) => {
  console.log(`closed: fd ${leak.fd}, after ${leak.ageMs} ms`);
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`tcp://127.0.0.1:${server.address().port}`);
});
