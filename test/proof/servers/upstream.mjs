// What stands behind the proxies: a well-made server, as a program of its own. It sends its port to its parent.
import http from 'node:http';
import { Readable } from 'node:stream';

const PIECE = Buffer.alloc(64 * 1024, 'b');

const ROUTES = {
  '/small': (request, response) => void request.resume().on('end', () => response.end('small')),
  '/big': (request, response) => void Readable.from(pieces(400)).pipe(response),
  '/poll': (request, response) => void setTimeout(() => response.end('at last'), 4000),
  '/never': () => {},
};

function* pieces(count) {
  for (let i = 0; i < count; i++) yield PIECE;
}

const server = http.createServer((request, response) => {
  response.on('error', () => {});
  const route = ROUTES[request.url.split('?')[0]] ?? ROUTES['/small'];
  route(request, response);
});
// An echo of bytes is enough: what it answers is the frames of a client, which a client takes as they are.
server.on('upgrade', (request, socket) => {
  socket.on('error', () => socket.destroy()).on('end', () => socket.end());
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
// It ends with the process that has started it.
process.on('disconnect', () => process.exit());
