import websocket from '@fastify/websocket';
import Fastify from 'fastify';

const app = Fastify();
await app.register(websocket);
app.register(async (scope) => {
  scope.get('/rooms/:id', { websocket: true }, (ws) => {
    ws.on('message', () => {
      ws.pause();
      // The fix goes here.
    });
  });
});
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`port ${app.server.address().port}`);
