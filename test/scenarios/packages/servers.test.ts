import express from 'express';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testPairs } from '../../support/scenario.js';
import { get, post, type Stage } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { UPLOAD_BYTES } from '../../support/upload.js';
import { until } from '../../support/until.js';

const inbound = { kind: 'close-wait', side: 'inbound' } as const;
const trusting = { host: '127.0.0.1', ca: localhost.cert, servername: 'localhost' };

/** The client's FIN has arrived, or its connection is over altogether. */
async function clientHasLeft(port: number): Promise<void> {
  await until('the client to be gone', () =>
    kernelRows().every(
      (row) => row.localPort !== port || row.remotePort === 0 || row.state === CLOSE_WAIT || row.inode === 0,
    ),
  );
}

/** Reads all it gets: a client that closes with something unread sends a RST and no FIN. */
async function secureClient(stage: Stage, port: number): Promise<tls.TLSSocket> {
  const client = tls.connect({ port, ...trusting });
  stage.defer(() => client.destroy());
  client.on('error', () => {}).resume();
  await once(client, 'secureConnect');
  return client;
}

async function webSocket(stage: Stage, pause: boolean): Promise<number> {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server });
  stage.defer(() => sockets.close());
  let accepted: WebSocket | undefined;
  let heard = 0;
  sockets.on('connection', (socket) => {
    accepted = socket;
    socket.on('message', () => {
      heard++;
      if (pause) socket.pause();
    });
  });
  const port = await stage.listen(server);
  const client = new WebSocket(`ws://127.0.0.1:${port}/live?token=secret`);
  client.on('error', () => {});
  await once(client, 'open');
  client.send('1');
  await until('the first message', () => heard === 1);
  client.send('2');
  client.terminate();
  await clientHasLeft(port);
  if (pause) await until('it to be paused', () => accepted?.isPaused);
  return port;
}

testPairs([
  {
    name: 'ws: pausing a connection',
    leak: { ...inbound, cause: 'paused', route: '/live' },
    play: (stage, well) => webSocket(stage, !well),
  },
  {
    name: 'express: an upload that its handler does not read',
    leak: { ...inbound, cause: 'request-body-not-read', method: 'POST', route: '/items/:id' },
    play: async (stage, well) => {
      const app = express();
      app.post('/items/:id', (request) => {
        if (well) request.resume();
      });
      const port = await stage.listen(http.createServer(app));
      await stage.visit(port, post('/items/7?token=secret', UPLOAD_BYTES));
      return port;
    },
  },
  {
    name: 'https: an upload that its handler does not read',
    leak: { ...inbound, cause: 'request-body-not-read', method: 'POST', route: '/upload' },
    play: async (stage, well) => {
      const server = https.createServer(localhost, (request) => {
        if (well) request.resume();
      });
      const port = await stage.listen(server);
      const client = await secureClient(stage, port);
      client.end(post('/upload', UPLOAD_BYTES));
      await clientHasLeft(port);
      return port;
    },
  },
  {
    name: 'tls: a socket that is paused',
    leak: { ...inbound, cause: 'paused' },
    play: async (stage, well) => {
      let accepted: tls.TLSSocket | undefined;
      const server = tls.createServer(localhost, (socket) => {
        accepted = socket.on('error', () => {});
        socket.on('data', () => {
          if (!well) socket.pause();
        });
      });
      const port = await stage.listen(server);
      const client = await secureClient(stage, port);
      client.write('hello');
      await until('it to be heard', () => accepted?.bytesRead);
      if (!well) await until('the server to pause', () => accepted?.isPaused());
      client.end('and more');
      await clientHasLeft(port);
      return port;
    },
  },
  {
    name: 'tls: a half-open socket that is not ended',
    leak: { ...inbound, cause: 'half-open-not-ended' },
    play: async (stage, well) => {
      const server = tls.createServer({ ...localhost, allowHalfOpen: true }, (socket: Socket) => {
        socket.on('error', () => {}).resume();
        if (well) socket.on('end', () => socket.end());
      });
      const port = await stage.listen(server);
      const client = await secureClient(stage, port);
      client.end('hello');
      await clientHasLeft(port);
      return port;
    },
  },
  {
    name: 'express: an event stream whose client goes',
    leak: undefined,
    play: async (stage) => {
      const app = express();
      app.get('/events', (_request, response) => {
        response.type('text/event-stream').write('data: 1\n\n');
      });
      const port = await stage.listen(http.createServer(app));
      const client = await stage.connect(port);
      client.say(get('/events'));
      await until('the first event', () => client.text.includes('data: 1'));
      await client.close();
      return port;
    },
  },
  {
    name: 'http2: an upload that nobody reads and a stream that nobody answers',
    leak: undefined,
    play: async (stage) => {
      const server = http2.createServer();
      let streams = 0;
      server.on('stream', (stream) => {
        streams++;
        stream.on('error', () => {});
      });
      const port = await stage.listen(server);
      const session = http2.connect(`http://127.0.0.1:${port}`);
      session.on('error', () => {});
      session.request({ ':path': '/never' }).on('error', () => {});
      session
        .request({ ':path': '/upload', ':method': 'POST' })
        .on('error', () => {})
        .end(Buffer.alloc(200_000));
      await until('both streams', () => streams === 2);
      session.destroy();
      return port;
    },
  },
]);
