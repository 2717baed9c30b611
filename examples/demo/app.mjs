/**
 * The app that the demo tells of and that `npm start` serves: an HTTP service and three raw TCP servers, healthy parts and
 * leaky ones side by side. Each leak is a few lines that one could have written.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import closeWaitGuard from 'close-wait-guard';
import Fastify from 'fastify';

/**
 * What a client uploads. Of a body that nobody reads, Node takes one read (64 KiB) and a high-water mark's worth (16 KiB in
 * Node 20, 64 KiB later); the rest waits in the kernel. A smaller body would be taken whole and the client's FIN be noticed;
 * one larger by more than the receive window (64 KiB at first) would keep the FIN from arriving at all.
 */
export const UPLOAD_BYTES = 65_536 + getDefaultHighWaterMark(false) + 24_576;

/**
 * @param {{ port?: number, closeWaitTimeout: number, sampleInterval: number, reclaim?: boolean, log?: { write(line: string): void } }} options
 *   `port`: HTTP is served there and the raw servers on the ports after it; 0 takes any free ones. `log`: where Fastify logs.
 */
export async function startApp({ port = 0, closeWaitTimeout, sampleInterval, reclaim = false, log }) {
  /** What the leaky handlers hold on to; a fixed one would have let go of it. */
  const held = { uploads: new Set(), sessions: new Set(), newcomers: new Set() };

  const fastify = Fastify({ bodyLimit: 10_000_000, logger: log ? { level: 'info', stream: log } : false });
  await fastify.register(closeWaitGuard, { closeWaitTimeout, sampleInterval, reclaim });
  serveItems(fastify, held.uploads);
  const guard = fastify.closeWaitGuard;
  const closeHeld = () => closeAll(held);
  fastify.get('/leaks', async () => guard.leaks());
  fastify.delete('/leaks', async () => ({ closed: closeHeld() }));

  const raw = {
    smtp: smtpServer(held.sessions),
    collector: collectorServer(held.newcomers),
    time: timeServer(),
  };
  await fastify.listen({ host: '127.0.0.1', port });
  const httpPort = fastify.server.address().port;
  const ports = { http: httpPort };
  let next = port === 0 ? 0 : httpPort + 1;
  for (const [name, server] of Object.entries(raw)) {
    guard.watch(server, { name });
    server.listen(next === 0 ? 0 : next++, '127.0.0.1');
    await once(server, 'listening');
    ports[name] = server.address().port;
  }

  const close = async () => {
    // A leaked connection also keeps its server from closing.
    closeHeld();
    await Promise.all(Object.values(raw).map((server) => new Promise((resolve) => server.close(resolve))));
    await fastify.close();
  };
  return { guard, ports, closeHeld, close };
}

/** What the bugs below leave out: closes every connection the handlers still hold. Returns how many, by handler. */
function closeAll(held) {
  const closed = { uploads: held.uploads.size, sessions: held.sessions.size, newcomers: held.newcomers.size };
  for (const body of held.uploads) body.destroy();
  for (const socket of held.sessions) socket.end();
  for (const socket of held.newcomers) socket.destroy();
  for (const references of Object.values(held)) references.clear();
  return closed;
}

function serveItems(fastify, uploads) {
  // Bodies are handed on as the stream they come in, as for a proxy or an upload to object storage.
  fastify.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));

  fastify.get('/items/:id', async (request) => ({ id: request.params.id }));

  fastify.put('/items/:id', async (request) => {
    let bytes = 0;
    for await (const chunk of request.body) bytes += chunk.length;
    return { id: request.params.id, bytes };
  });

  // The bug: the queue has no worker, so nobody reads the body, and the answer that waits for it never comes.
  fastify.post('/items/:id', async (request) => {
    uploads.add(request.body);
    await new Promise(() => {});
  });
}

/** The bug: allowHalfOpen leaves it to us to end our side, and nobody does in 'end'. */
function smtpServer(sessions) {
  return createServer({ allowHalfOpen: true }, (socket) => {
    sessions.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sessions.delete(socket));
    socket.write('220 demo ESMTP\r\n');
    socket.on('data', () => {});
    socket.on('end', () => {});
  });
}

/** The bug: a connection waits for a free slot before it is read, and slots never get free. */
function collectorServer(newcomers) {
  return createServer((socket) => {
    newcomers.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => newcomers.delete(socket));
  });
}

/** Healthy: answers and ends. */
function timeServer() {
  return createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.resume();
    socket.end(`${new Date().toISOString()}\r\n`);
  });
}
