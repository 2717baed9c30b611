import proxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const server = Fastify();
await server.register(proxy, {
  upstream: `http://127.0.0.1:${process.env.UPSTREAM_PORT}`,
  prefix: '/api',
  websocket: true,
});
await server.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
