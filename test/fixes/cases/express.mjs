// Express applications that leak, and what their reports tell to write.
import express from 'express';
import http from 'node:http';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { post } from '../../corpus/lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound' };
const notRead = { ...inbound, cause: 'request-body-not-read' };
const BODY = 'a body that is read\n'.repeat(20_000);
const stored = { method: 'POST', path: '/carts/9', body: BODY, headers: { authorization: 'yes' } };

export default {
  'middleware-forgets-next': {
    expect: { ...notRead, reason: 'not-touched' },
    program: () => {
      const app = express();
      app.use((req, res, next) => {
        if (req.get('authorization')) next();
      });
      app.post('/carts/:cart', (req, res) => req.resume().on('end', () => res.send('stored')));
      return http.createServer(app);
    },
    peer: (server) => server.visit(post('/carts/9', server.sizes.unreadBody)),
    fix: [
      [
        `if (req.get('authorization')) next();`,
        `if (req.get('authorization')) return next();\nres.writeHead(503, { connection: 'close' }).end();`,
      ],
    ],
    says: [`res.writeHead(503, { connection: 'close' }).end()`],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'answers-when-the-disk-is-full': {
    expect: { ...inbound, cause: 'request-body-abandoned' },
    program: () => {
      const app = express();
      app.post('/carts/:cart', (req, res) => {
        pipeline(req, createWriteStream(req.get('authorization') ? '/dev/null' : '/dev/full'), (error) => {
          res.status(error ? 507 : 201).send('done');
        });
      });
      const server = http.createServer(app);
      server.keepAliveTimeout = 0;
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(post('/carts/7', server.sizes.abandonedBody));
      await visitor.hears('507');
      await visitor.leave();
    },
    fix: [['res.status(', `if (error) res.setHeader('connection', 'close');\nres.status(`]],
    says: [`res.setHeader('connection', 'close')`],
    healthy: (clients) => clients.ask(stored, { status: 201, body: 'done' }),
  },
};
