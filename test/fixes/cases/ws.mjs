// WebSockets of ws that are not read on, on either side.
import http from 'node:http';
import { once } from 'node:events';
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws';

const kept = [];
const inbound = { kind: 'close-wait', side: 'inbound', cause: 'paused', reason: 'websocket' };

function chat(onConnection) {
  const server = http.createServer((_req, res) => res.end('plain'));
  new WebSocketServer({ server }).on('connection', onConnection);
  return server;
}

/** Says so much, and goes without a close frame, as a program does that is killed. */
async function chatter(server, text = 'one') {
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/7`);
  client.on('error', () => {});
  server.undo(() => client.terminate());
  await once(client, 'open');
  client.send('first');
  await once(client, 'message');
  client.send(text);
  await new Promise((resolve) => client.send(text, resolve));
  client._socket.end();
}
const plain = (clients) => clients.ask({}, { body: 'plain' });

/** A server whose second message and FIN come when its client reads no more. */
const saysTwoThingsAndLeaves = () =>
  chat((ws) => {
    ws.send('one');
    setTimeout(() => {
      ws.send('two');
      ws._socket.end();
    }, 300);
  });

export default {
  'pauses-and-never-resumes': {
    expect: inbound,
    program: () =>
      chat((ws) => {
        ws.on('message', (message) => {
          ws.send(`heard ${message}`);
          ws.pause();
        });
      }),
    peer: (server) => chatter(server),
    fix: [['ws.pause();', 'ws.pause();\nsetTimeout(() => ws.resume(), 1_000);']],
    says: ['ws.resume()'],
    healthy: plain,
  },

  'reads-a-stream-once': {
    expect: inbound,
    program: () =>
      chat((ws) => {
        const duplex = createWebSocketStream(ws);
        duplex.on('error', () => {});
        duplex.once('data', (message) => {
          duplex.write(message);
          duplex.pause();
          kept.push(duplex);
        });
      }),
    peer: (server) => chatter(server, 'y'.repeat(80_000)),
    fix: [['kept.push(duplex);', 'setTimeout(() => duplex.destroy(), 1_000);']],
    says: ['duplex.destroy()'],
    healthy: plain,
  },

  'is-stopped-below-ws': {
    expect: inbound,
    program: () =>
      chat((ws) => {
        ws.on('message', (message) => {
          ws.send(`heard ${message}`);
          ws._socket.pause();
        });
      }),
    peer: (server) => chatter(server),
    fix: [['ws._socket.pause();', 'ws._socket.pause();\nsetTimeout(() => ws.terminate(), 1_000);']],
    says: ['ws.terminate()'],
    healthy: plain,
  },

  'client-pauses-and-never-resumes': {
    expect: { ...inbound, side: 'outbound' },
    upstream: saysTwoThingsAndLeaves,
    program({ upstream }) {
      const ws = new WebSocket(`ws://127.0.0.1:${upstream}/feed`);
      ws.on('error', () => {});
      ws.once('message', () => {
        kept.push(ws);
        ws.pause();
      });
    },
    fix: [['ws.pause();', 'ws.pause();\nsetTimeout(() => ws.resume(), 500);']],
    says: ['ws.resume()'],
  },

  'client-is-stopped-below-ws': {
    expect: { ...inbound, side: 'outbound' },
    upstream: saysTwoThingsAndLeaves,
    program({ upstream }) {
      const ws = new WebSocket(`ws://127.0.0.1:${upstream}/feed`);
      ws.on('error', () => {});
      ws.once('message', () => {
        kept.push(ws);
        ws._socket.pause();
      });
    },
    fix: [['ws._socket.pause();', 'ws._socket.pause();\nsetTimeout(() => ws.terminate(), 500);']],
    says: ['ws.terminate()'],
  },

  'sends-to-who-reads-nothing': {
    expect: { kind: 'close-wait', side: 'inbound', cause: 'write-stalled' },
    program: () =>
      chat((ws) => {
        ws.on('error', () => {});
        ws.once('message', () => ws.send(Buffer.alloc(24 * 1024 * 1024)));
      }),
    async peer(server) {
      const client = new WebSocket(`ws://127.0.0.1:${server.port}/rooms/7`);
      client.on('error', () => {});
      server.undo(() => client.terminate());
      await once(client, 'open');
      client._socket.pause();
      await new Promise((resolve) => client.send('everything', resolve));
      client._socket.end();
    },
    fix: [
      [
        `ws.on('error', () => {});`,
        `let hasCome = true;
        ws.on('pong', () => (hasCome = true));
        const beat = setInterval(() => {
          if (!hasCome) ws.terminate();
          hasCome = false;
          ws.ping();
        }, 500);
        ws.on('close', () => clearInterval(beat));`,
      ],
    ],
    says: ['ws.ping()', 'ws.terminate()'],
    healthy: plain,
  },
};
