import http from 'node:http';
import { Server } from 'socket.io';

const server = http.createServer();
const io = new Server(server);
io.engine.use((req, res, next) => {
  // The fix goes here.
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
