import websocket from '@fastify/websocket';
import Fastify from 'fastify';

const server = Fastify();
await server.register(async (child) => {
  await child.register(websocket);
  child.get('/rooms/:id', { websocket: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data) => socket.send(data.toString()));
  });
});
server.get('/plain', async () => 'plain');
await server.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
