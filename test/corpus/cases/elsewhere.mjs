// Sockets that the main thread's JavaScript does not hold: in other processes and other threads.
import net from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const kept = [];
const listens = (onConnection) => `
  const kept = [];
  const server = net.createServer((socket) => { ${onConnection} });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
const asModule = (onConnection) => `
  import net from 'node:net';
  import { parentPort } from 'node:worker_threads';
  ${listens(onConnection)}
`;
const asScript = (onConnection) => `
  const net = require('node:net');
  const { parentPort } = require('node:worker_threads');
  ${listens(onConnection)}
`;

/** A server that lives in a worker; what the host asks of it is answered from here. */
async function serverOf(worker) {
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
    fix: [
      ['kept.push(spawn(', 'const child = spawn('],
      [`{ stdio: ['ignore', socket, 'ignore'] }));`, `{ stdio: ['ignore', 'pipe', 'ignore'] });`],
      ['socket.destroy();', `child.stdout.pipe(socket.resume());\nsocket.on('close', () => child.kill());`],
    ],
    says: [`'pipe'`, 'child.stdout.pipe(socket.resume())', 'child.kill()'],
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
    program: () => {
      const module = asModule('kept.push(socket);');
      return serverOf(new Worker(new URL(`data:text/javascript,${encodeURIComponent(module)}`)));
    },
    peer: (server) => server.visit('for a worker'),
    fix: [[`'kept.push(socket);'`, `'kept.push(socket); socket.resume();'`]],
    says: ['socket.resume()'],
  },

  'worker-thread-without-the-guard': {
    expect: { kind: 'close-wait', side: 'unknown', cause: 'not-owned-by-this-thread' },
    program: () => {
      const first = '';
      const code = first + asScript('kept.push(socket);');
      // The guard is preloaded, which this worker is not given.
      return serverOf(
        new Worker(code, { eval: true, execArgv: [], env: { ...process.env, NODE_OPTIONS: '--no-warnings' } }),
      );
    },
    peer: (server) => server.visit('for nobody'),
    fix: [[`const first = '';`, `const first = "import('close-wait-guard/register');";`]],
    says: [`import('close-wait-guard/register')`],
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
