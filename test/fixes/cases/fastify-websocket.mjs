// A WebSocket of @fastify/websocket that is paused.
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import { get } from '../../corpus/lib/peers.mjs';

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ';
/** A text frame of one letter, masked with zeros. */
const FRAME = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]);

export default {
  'pauses-and-never-resumes': {
    expect: {
      ...{ kind: 'close-wait', side: 'inbound', cause: 'paused', reason: 'websocket' },
      ...{ framework: 'fastify', route: '/rooms/:id' },
    },
    async program() {
      const app = Fastify();
      await app.register(websocket);
      app.get('/rooms', () => 'three');
      app.register(async (scope) => {
        scope.get('/rooms/:id', { websocket: true }, (ws) => {
          ws.on('message', () => {
            ws.send('heard');
            ws.pause();
          });
        });
      });
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(get('/rooms/7', `${UPGRADE}dGhlIHNhbXBsZSBub25jZQ==\r\n`));
      await visitor.hears('101');
      await visitor.send(FRAME);
      await visitor.hears('heard');
      await visitor.send(FRAME);
      await visitor.leave();
    },
    fix: [['ws.pause();', 'ws.pause();\nsetTimeout(() => ws.resume(), 1_000);']],
    says: ['ws.resume()'],
    healthy: (clients) => clients.ask({ path: '/rooms' }, { body: 'three' }),
  },
};
