import http from 'node:http';
import { Server } from 'socket.io';

const server = http.createServer((request, response) => response.end('no socket.io'));
const io = new Server(server, { maxHttpBufferSize: 1e5 });
io.on('connection', (socket) => socket.onAny((...event) => socket.emit(...event)));
server.listen(Number(process.env.PORT), '127.0.0.1');
