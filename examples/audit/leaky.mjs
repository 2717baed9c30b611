import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buildShop } from './shop.mjs';

/** Where the backup disk would be. */
export const UNMOUNTED = new URL('unmounted/backup', import.meta.url);

/** Five routes that leak a socket when their client leaves, each for a reason of its own. @param {string} supplier URL */
export function leakyShop(supplier) {
  return buildShop((app) => {
    // The answer is awaited before the upload is read, and it never comes.
    app.post('/photos', async () => {
      await new Promise(() => {});
    });

    // pipeline() fails because its destination does: the request is taken off its socket, and nobody reads the rest.
    app.put('/backups/:name', async (request, reply) => {
      try {
        await pipeline(request.body, createWriteStream(UNMOUNTED));
      } catch {
        return reply.code(507).send({ error: 'the backup disk is not there' });
      }
      return { stored: true };
    });

    // Upgraded sockets are half-open: reading to the end is not enough.
    app.get('/live', async (_request, reply) => reply.code(426).send());
    app.server.on('upgrade', (request, socket) => {
      if (request.url !== '/live') return socket.destroy();
      socket.on('error', () => socket.destroy());
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: prices\r\n\r\n');
      socket.resume();
    });

    // Only the status is looked at: the body stays on the socket to the supplier.
    app.get('/stock', async () => {
      const status = await new Promise((resolve, reject) => {
        http.get(supplier, { agent: false }, (response) => resolve(response.statusCode)).on('error', reject);
      });
      return { available: status === 200 };
    });

    // With httpAllowHalfOpen a client that leaves does not end the response: the stream has to be ended by somebody.
    app.server.httpAllowHalfOpen = true;
    app.get('/news', (_request, reply) => {
      const news = new PassThrough();
      news.write('data: welcome\n\n');
      return reply.type('text/event-stream').send(news);
    });
  });
}
