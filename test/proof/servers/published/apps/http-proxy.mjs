import http from 'node:http';
import httpProxy from 'http-proxy';

const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${process.env.UPSTREAM_PORT}` });
proxy.on('error', (error, request, response) => response.destroy());
const server = http.createServer((request, response) => proxy.web(request, response));
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {});
  proxy.ws(request, socket, head);
});
server.listen(Number(process.env.PORT), '127.0.0.1');
