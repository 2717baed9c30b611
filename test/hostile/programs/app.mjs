// The server that hostile clients meet: raw HTTP of Node with a route that answers at once, one that reads and answers nothing, and one
// with a large answer. Prints its port as JSON; the guard is preloaded.
import http from 'node:http';

const large = Buffer.alloc(8_000_000, 'x');
const server = http.createServer((request, response) => {
  request.on('error', () => {});
  response.on('error', () => {});
  if (request.url.startsWith('/large')) return void response.end(large);
  if (request.method === 'POST') return undefined;
  request.resume();
  return void response.end('alive');
});
// As Fastify has it: nothing of Node ends what these clients leave.
server.requestTimeout = server.headersTimeout = 0;
server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
