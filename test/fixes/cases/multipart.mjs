// Forms with a file that nobody reads, in each parser of multipart/form-data.
import multipart from '@fastify/multipart';
import busboy from 'busboy';
import express from 'express';
import Fastify from 'fastify';
import http from 'node:http';
import multer from 'multer';

const kept = [];
const notRead = {
  ...{ kind: 'close-wait', side: 'inbound', cause: 'request-body-not-read', reason: 'form-file-not-read' },
};
const TYPE = 'multipart/form-data; boundary=xyz';

function form(bytes) {
  const head = 'Content-Disposition: form-data; name="photo"; filename="cat.jpg"\r\nContent-Type: image/jpeg\r\n\r\n';
  return `--xyz\r\n${head}${'c'.repeat(bytes)}\r\n--xyz--\r\n`;
}

async function uploads(server) {
  const body = form(server.sizes.abandonedBody);
  const head = `POST /photos HTTP/1.1\r\nHost: corpus.test\r\nContent-Type: ${TYPE}\r\nContent-Length: ${body.length}\r\n\r\n`;
  await server.visit(head + body);
}

const stored = (clients) =>
  clients.ask(
    { method: 'POST', path: '/photos', headers: { 'content-type': TYPE }, body: form(400_000) },
    { body: 'stored' },
  );

export default {
  'fastify-multipart-looks-at-the-name-only': {
    expect: { ...notRead, framework: 'fastify' },
    async program() {
      const app = Fastify({ bodyLimit: 100_000_000 });
      await app.register(multipart, { limits: { fileSize: 100_000_000 } });
      app.post('/photos', async (request) => {
        for await (const part of request.parts()) {
          kept.push(part.filename);
        }
        return 'stored';
      });
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    peer: uploads,
    fix: [['kept.push(part.filename);', 'kept.push(part.filename);\npart.file.resume();']],
    says: ['part.file.resume()'],
    healthy: stored,
  },

  'busboy-looks-at-the-name-only': {
    expect: { ...notRead, framework: 'http' },
    program: () =>
      http.createServer((req, res) => {
        const parser = busboy({ headers: req.headers });
        parser.on('file', (name, file) => {
          kept.push(name, file);
        });
        parser.on('close', () => res.end('stored'));
        req.pipe(parser);
      }),
    peer: uploads,
    fix: [['kept.push(name, file);', 'kept.push(name);\nfile.resume();']],
    says: ['file.resume()'],
    healthy: stored,
  },

  'multer-engine-does-not-read': {
    expect: { ...notRead, framework: 'express' },
    program: () => {
      const storage = {
        _handleFile(_req, file, callback) {
          file.stream.on('end', () => callback(null, { size: 0 }));
        },
        _removeFile: (_req, _file, callback) => callback(null),
      };
      const app = express();
      app.post('/photos', multer({ storage }).single('photo'), (_req, res) => res.send('stored'));
      return http.createServer(app);
    },
    peer: uploads,
    fix: [['file.stream.on(', 'file.stream.resume();\nfile.stream.on(']],
    says: ['file.stream.resume()'],
    healthy: stored,
  },
};
