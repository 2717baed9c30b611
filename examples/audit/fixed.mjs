import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UNMOUNTED } from './leaky.mjs';
import { buildShop } from './shop.mjs';

/** The routes of leaky.mjs, made well. @param {string} supplier URL */
export function fixedShop(supplier) {
  return buildShop((app) => {
    // It may wait as long as it likes: once the upload is read, Node sees the client leave.
    app.post('/photos', async (request) => {
      request.body.resume();
      await new Promise(() => {});
    });

    // What is left of the upload is not wanted, and neither is the connection.
    app.put('/backups/:name', async (request, reply) => {
      try {
        await pipeline(request.body, createWriteStream(UNMOUNTED));
      } catch {
        return reply.code(507).header('connection', 'close').send({ error: 'the backup disk is not there' });
      }
      return { stored: true };
    });

    // Ended when the client has ended.
    app.get('/live', async (_request, reply) => reply.code(426).send());
    app.server.on('upgrade', (request, socket) => {
      if (request.url !== '/live') return socket.destroy();
      socket.on('error', () => socket.destroy());
      socket.on('end', () => socket.end());
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: prices\r\n\r\n');
      socket.resume();
    });

    // The body is thrown away, but read.
    app.get('/stock', async () => {
      const status = await new Promise((resolve, reject) => {
        http
          .get(supplier, { agent: false }, (response) => {
            response.resume();
            resolve(response.statusCode);
          })
          .on('error', reject);
      });
      return { available: status === 200 };
    });

    // The stream ends with its client. Without httpAllowHalfOpen Node ends the connection as well.
    app.get('/news', (request, reply) => {
      const news = new PassThrough();
      news.write('data: welcome\n\n');
      request.raw.on('close', () => news.end());
      return reply.type('text/event-stream').send(news);
    });
  });
}
