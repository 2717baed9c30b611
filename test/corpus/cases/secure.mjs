// TLS, HTTPS, HTTP/2 and WebSockets: what stands between the socket and the program.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { answersWith, localhost, post, trusting, until } from '../lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound' };
const kept = [];

/** A frame of the connection (stream 0), RFC 9113. */
function frame(type, flags, body) {
  return Buffer.from([0, 0, body.length, type, flags, 0, 0, 0, 0, ...body]);
}

function chat(onMessage) {
  const server = http.createServer();
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (message) => {
      socket.send(`heard ${message}`);
      onMessage(socket);
    });
  });
  return server;
}

/** Speaks twice, and goes without a close frame, as a program does that is killed. */
async function chatter(server) {
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/7?key=t0ps3cret`);
  client.on('error', () => {});
  server.undo(() => client.terminate());
  await once(client, 'open');
  client.send('one');
  await once(client, 'message');
  client.send('two');
  client._socket.end();
}

export default {
  'tls-session-paused': {
    expect: { ...inbound, cause: 'paused' },
    program: () =>
      tls.createServer(localhost, (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.pause();
          socket.write('wait');
        });
      }),
    async peer(server) {
      const visitor = await server.connectSecurely();
      await visitor.send('first');
      await visitor.hears('wait');
      await visitor.send('second');
      await visitor.halfClose();
    },
    fix: [[`socket.write('wait');`, `socket.write('wait');\nsetTimeout(() => socket.resume(), 300);`]],
    says: ['socket.resume()'],
  },

  // Written before its handshake has ended, so that the answer waits for ever in the TLS stream (fastify/fastify#3251).
  'handshake-that-took-too-long-is-answered': {
    expect: { ...inbound, cause: 'half-open-not-ended' },
    program: () =>
      https
        .createServer({ ...localhost, handshakeTimeout: 200 }, (req, res) => res.end('ok'))
        .on('clientError', (error, socket) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n')),
    async peer(server) {
      const silent = await server.connect();
      await sleep(400);
      await silent.halfClose();
    },
    fix: [[`socket.end('HTTP/1.1 408 Request Timeout\\r\\n\\r\\n')`, 'socket.destroy()']],
    says: ['socket.destroy()'],
  },

  'https-upload-waits-for-a-lock': {
    expect: { ...inbound, cause: 'request-body-not-read', owner: { method: 'POST', route: '/scans' } },
    program: () => https.createServer(localhost, (req, res) => kept.push(req, res)),
    async peer(server) {
      const visitor = await server.connectSecurely();
      await visitor.send(post('/scans', server.sizes.unreadBody));
      await visitor.halfClose();
    },
    fix: [['kept.push(req, res)', `setTimeout(() => res.writeHead(503, { connection: 'close' }).end(), 300)`]],
    says: [`res.writeHead(503, { connection: 'close' }).end()`],
  },

  'https-response-left-unread': {
    expect: {
      kind: 'close-wait',
      side: 'outbound',
      cause: 'response-body-not-read',
      owner: { method: 'GET', destination: /^https:\/\/(localhost|127\.0\.0\.1):\d+\/prices$/ },
    },
    upstream: ({ unreadAnswer }) => https.createServer(localhost, answersWith(unreadAnswer)),
    program({ upstream }) {
      const at = { port: upstream, host: '127.0.0.1', path: '/prices', agent: false, ...trusting };
      https.get(at, (response) => kept.push(response));
    },
    fix: [['kept.push(response)', 'response.resume()']],
    says: ['response.resume()'],
  },

  'websocket-paused-for-good': {
    expect: { ...inbound, cause: 'paused', owner: { server: /^http:\d+$/, method: 'GET', route: '/rooms/:n' } },
    program: () => chat((ws) => ws.pause()),
    peer: chatter,
    fix: [['ws.pause()', '{\nws.pause();\nsetTimeout(() => ws.resume(), 300);\n}']],
    says: ['ws.resume()'],
  },

  'websocket-whose-client-lost-its-way': {
    expect: { side: 'inbound', silent: 'ws reads to the end and closes' },
    program: () => chat(() => {}),
    peer: chatter,
  },

  'websocket-that-is-quiet': {
    expect: { side: 'inbound', silent: 'it is open on both ends' },
    program: () => chat(() => {}),
    async peer(server) {
      const client = new WebSocket(`ws://127.0.0.1:${server.port}/`);
      server.undo(() => client.terminate());
      await once(client, 'open');
    },
  },

  'http2-upload-into-a-full-window': {
    // The session stops reading, as it cannot write. `never-read` is what the stream below it says.
    expect: { kind: 'close-wait', side: 'outbound', cause: ['write-stalled', 'never-read', 'unknown'] },
    upstream: () =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.pause();
        // Settings and a connection window that take any upload; then nothing of it is read.
        socket.write(
          Buffer.concat([frame(4, 0, [0, 4, 0x7f, 0xff, 0xff, 0xff]), frame(8, 0, [0x7f, 0xfe, 0xff, 0xff])]),
        );
        setTimeout(() => {
          for (let ping = 0; ping < 2_000; ping++) socket.write(frame(6, 0, [0, 0, 0, 0, 0, 0, 0, 0]));
          socket.end();
        }, 700);
      }),
    program({ upstream }) {
      const session = http2.connect(`http://127.0.0.1:${upstream}`);
      const upload = session.request({ ':method': 'POST', ':path': '/backup' });
      session.on('error', () => {});
      upload.on('error', () => {}).resume();
      const fill = () => {
        while (upload.write(Buffer.alloc(65_536)));
      };
      upload.on('drain', fill);
      fill();
      kept.push(session);
    },
    fix: [['kept.push(session);', 'session.setTimeout(1_000, () => session.socket.resetAndDestroy());']],
    says: ['() => session.socket.resetAndDestroy())'],
  },

  'http2-session-without-streams': {
    expect: { side: 'inbound', silent: 'it is open on both ends' },
    program: () => http2.createServer((_request, response) => response.end('ok')),
    async peer(server) {
      const session = http2.connect(`http://127.0.0.1:${server.port}`);
      server.undo(() => session.destroy());
      const stream = session.request({ ':path': '/' });
      let text = '';
      stream.on('data', (chunk) => (text += chunk));
      await until('the answer', () => text === 'ok');
    },
  },

  'http2-client-that-left': {
    expect: { side: 'inbound', silent: 'the session ends with the connection' },
    program: () => http2.createServer((_request, response) => kept.push(response)),
    async peer(server) {
      const session = http2.connect(`http://127.0.0.1:${server.port}`);
      server.undo(() => session.destroy());
      session.on('error', () => {});
      session.request({ ':path': '/never' }).on('error', () => {});
      await once(session, 'connect');
      await new Promise((resolve) => session.ping(resolve));
      session.destroy();
    },
  },
};
