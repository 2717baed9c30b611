// A cluster of one worker that never reads. The worker, and then the primary
// itself, leak a socket each. Prints their ports and pids; SIGTERM ends it.
import cluster from 'node:cluster';
import { once } from 'node:events';
import net from 'node:net';

async function visit(port) {
  const client = net.connect(port, '127.0.0.1', () => client.end('hello'));
  await once(client, 'finish');
  client.destroy();
}

const server = net.createServer(() => {});
server.listen(0, '127.0.0.1');
if (cluster.isPrimary) {
  await once(server, 'listening');
  const worker = cluster.fork();
  const [port] = await once(worker, 'message');
  await visit(port);
  await visit(server.address().port);
  console.log(JSON.stringify({ port, own: server.address().port, worker: worker.process.pid, primary: process.pid }));
  process.on('SIGTERM', () => {
    worker.kill('SIGKILL');
    process.exit(0);
  });
} else {
  await once(server, 'listening');
  process.send(server.address().port);
}
