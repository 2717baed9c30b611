// Leaks a socket in each way whose owner listens for no error at all, under a guard that reclaims. Prints what it reclaimed,
// and must then end by itself: nothing is left to keep it alive.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import tls from 'node:tls';
import { Agent, request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { createGuard } from 'close-wait-guard';

const [keyFile, certFile] = process.argv.slice(2);
const identity = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
const guard = createGuard({ closeWaitTimeout: 200, sampleInterval: 50, reclaim: true });
const reclaimed = [];
guard.on('reclaimed', ({ side, cause }) => reclaimed.push(`${side} ${cause}`));

const servers = [];
const kept = [];
async function listen(server) {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** Sends and leaves at once. */
async function visit(port, data) {
  const client = net.connect(port, '127.0.0.1');
  client.end(data);
  await once(client, 'finish');
  client.destroy();
}

const post = `POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${process.argv[4]}\r\n\r\n${'u'.repeat(process.argv[4])}`;
const answer = (_request, response) => {
  response.setHeader('connection', 'close');
  response.end(Buffer.alloc(150 * 1024));
};

await visit(await listen(net.createServer(() => {})), 'hello');
await visit(await listen(net.createServer({ pauseOnConnect: true }, () => {})), 'hello');
await visit(await listen(http.createServer(() => {})), post);
// Something is piped into it, and pipe() has a listener for errors of its own.
await visit(await listen(net.createServer((socket) => new PassThrough().pipe(socket))), 'hello');

const secureServer = tls.createServer(identity, (socket) =>
  socket.once('data', () => {
    socket.pause();
    secureServer.emit('paused');
  }),
);
const secure = await listen(secureServer);
const secureClient = tls.connect({ port: secure, host: '127.0.0.1', ca: identity.cert, servername: 'localhost' });
await once(secureClient, 'secureConnect');
secureClient.write('hello');
await once(secureServer, 'paused');
// A client that closes with something unread sends a RST and no FIN. It is the other end, so it may listen for errors.
secureClient.on('error', () => {}).resume();
secureClient.end('and more');

const webServer = http.createServer();
const sockets = new WebSocketServer({ server: webServer });
let pause;
const paused = new Promise((resolve) => (pause = resolve));
sockets.on('connection', (socket) =>
  socket.on('message', () => {
    socket.pause();
    pause();
  }),
);
const web = new WebSocket(`ws://127.0.0.1:${await listen(webServer)}/live`);
await once(web, 'open');
web.send('1');
await paused;
web.send('2');
web.terminate();

const upstream = await listen(http.createServer(answer));
http.get({ port: upstream, host: '127.0.0.1', agent: false }, (response) => kept.push(response));
const secureUpstream = await listen(https.createServer(identity, answer));
https.get({ port: secureUpstream, host: '127.0.0.1', ca: identity.cert, servername: 'localhost' }, (response) =>
  kept.push(response),
);
const dispatcher = new Agent();
kept.push(await request(`http://127.0.0.1:${upstream}/`, { dispatcher }));
const secureDispatcher = new Agent({ connect: { ca: identity.cert, servername: 'localhost' } });
kept.push(await request(`https://127.0.0.1:${secureUpstream}/`, { dispatcher: secureDispatcher }));
kept.push(await fetch(`http://127.0.0.1:${upstream}/`));

// Those of undici and fetch have a body that nobody can see from outside whether it is read: they are left alone.
const LEAKS = 11;
const isDone = () => reclaimed.length >= 8 && guard.stats().leaks.reduce((sum, { total }) => sum + total, 0) >= LEAKS;
while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 20));
// One turn more, for whatever an error without a listener would do.
await new Promise((resolve) => setTimeout(resolve, 50));
console.log(JSON.stringify({ reclaimed: reclaimed.sort(), kept: kept.length }));
sockets.close();
await Promise.all([dispatcher.destroy(), secureDispatcher.destroy(), kept.at(-1).body.cancel()]);
for (const server of servers) server.close();
