// A forward proxy in a process of its own: CONNECT, and targets in absolute form. Sends its port to its parent.
import http from 'node:http';
import net from 'node:net';

const proxy = http.createServer((request, response) => {
  http.get(request.url, { agent: false }, (received) => {
    response.writeHead(received.statusCode, received.headers);
    received.pipe(response);
  });
});
proxy.on('connect', (request, client) => {
  const [host, port] = request.url.split(':');
  const upstream = net.connect(Number(port), host, () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
  for (const socket of [client, upstream]) socket.on('error', () => {});
  client.pipe(upstream).pipe(client);
});
proxy.listen(0, '127.0.0.1', () => process.send(proxy.address().port));
process.on('disconnect', () => process.exit());
