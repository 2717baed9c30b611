// Sockets that the main thread's JavaScript does not hold: in other processes and other threads.
import net from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const kept = [];
const listens = (onConnection) => `
  import net from 'node:net';
  import { parentPort } from 'node:worker_threads';
  const kept = [];
  const server = net.createServer((socket) => { ${onConnection} });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

/** A server that lives in a worker; what the host asks of it is answered from here. */
async function serverOfWorker(onConnection, options) {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(listens(onConnection))}`), options);
  const [port] = await once(worker, 'message');
  return { listening: true, address: () => ({ port }) };
}

export default {
  'child-process-still-has-it': {
    expect: {
      kind: 'close-wait',
      side: 'inbound',
      cause: 'held-by-another-process',
      owner: { server: /^net:\d+$/ },
    },
    program: () =>
      net.createServer({ pauseOnConnect: true }, (socket) => {
        kept.push(spawn('sleep', ['600'], { stdio: ['ignore', socket, 'ignore'] }));
        socket.destroy();
      }),
    async peer(server) {
      const visitor = await server.connect();
      await sleep(300);
      await visitor.halfClose();
    },
    // give it a pipe in place of the socket
    fix: [
      ['kept.push(spawn(', 'const child = spawn('],
      [`{ stdio: ['ignore', socket, 'ignore'] }));`, `{ stdio: ['ignore', 'pipe', 'ignore'] });`],
      ['socket.destroy();', 'child.stdout.pipe(socket.resume());'],
    ],
    says: [],
  },

  'child-process-still-talks': {
    expect: { side: 'inbound', silent: 'the child that has it sends all the time', looksLike: 'close-wait' },
    program: () =>
      net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
        const talk = 'while :; do echo tick; sleep 0.05; done';
        kept.push(spawn('sh', ['-c', talk], { stdio: ['ignore', socket, 'ignore'] }));
        socket.destroy();
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.hears('tick');
      await visitor.halfClose();
    },
  },

  'worker-thread-with-the-guard': {
    expect: { kind: 'close-wait', side: 'inbound', cause: 'never-read', owner: { server: /^net:\d+$/ } },
    program: () => serverOfWorker('kept.push(socket);'),
    peer: (server) => server.visit('for a worker'),
    fix: [[`'kept.push(socket);'`, `'kept.push(socket); socket.resume();'`]],
    says: ['socket.resume()'],
  },

  'worker-thread-without-the-guard': {
    expect: { kind: 'close-wait', side: 'unknown', cause: 'not-owned-by-this-thread' },
    // The guard is preloaded, which this worker is not given.
    program: () => serverOfWorker('kept.push(socket);', { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } }),
    peer: (server) => server.visit('for nobody'),
    // a guard in the worker, which names the socket
    fix: [[`, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } }`, '']],
    says: [],
    namedAs: { side: 'inbound', cause: 'never-read' },
  },

  'connection-nobody-accepted': {
    expect: { side: 'inbound', silent: 'the kernel has it in its accept queue: no fd, no leak' },
    program: () => {
      const server = net.createServer();
      // The loop is busy from the moment it listens: what comes now waits to be accepted.
      server.on('listening', () =>
        setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500), 100),
      );
      return server;
    },
    async peer(server) {
      await sleep(300);
      const visitor = await server.connect();
      await visitor.leave();
    },
  },
};
