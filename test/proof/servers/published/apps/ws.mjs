import http from 'node:http';
import { WebSocketServer } from 'ws';

const server = http.createServer((request, response) => response.end('no WebSocket'));
const sockets = new WebSocketServer({ server, path: '/echo' });
sockets.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
