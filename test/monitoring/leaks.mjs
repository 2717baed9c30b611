// A service that leaks when it is told to, with its metrics on its own page in OpenMetrics format.
//   node leaks.mjs [reclaim] [closeWaitTimeout, ms]
// GET /orders/:id is never answered, POST /release ends them all, and GET /fetch/:port asks a server there for something
// and does not read it. It prints its port, and that of a server that closes each connection at once.
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import Fastify from 'fastify';
import { Registry } from 'prom-client';
import { closeWaitGuard } from 'close-wait-guard';

const register = new Registry();
register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
const reclaim = process.argv.includes('reclaim');
const closeWaitTimeout = Number(process.argv.find((arg) => /^\d+$/.test(arg)) ?? 300);
const app = Fastify({ forceCloseConnections: true });
await app.register(closeWaitGuard, {
  ...{ closeWaitTimeout, sampleInterval: Math.min(1_000, closeWaitTimeout / 6) },
  ...{ reclaim, metrics: { register } },
});
const held = [];

app.get('/orders/:id', (_request, reply) => {
  held.push(reply);
  return new Promise(() => {});
});
app.post('/release', () => {
  for (const reply of held.splice(0)) reply.raw.destroy();
  return 'released';
});
app.get('/fetch/:port', ({ params }) => {
  http.get({ host: '127.0.0.1', port: params.port, agent: false }, (response) => held.push({ raw: response }));
  return 'asked';
});

// What the service has closed and its clients have not is FIN_WAIT_2 here.
const smtp = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
await once(smtp, 'listening');

// Node closes a connection that its client has ended, unless it is told to leave that to the handler.
app.server.httpAllowHalfOpen = true;
await app.listen({ port: 0, host: '127.0.0.1' });
app.closeWaitGuard.watch(smtp, { name: 'smtp' });
console.log(app.server.address().port, smtp.address().port);
process.once('SIGTERM', () => process.exit(0));
