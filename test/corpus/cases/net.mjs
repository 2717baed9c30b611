// Raw TCP servers and clients that leak.
import net from 'node:net';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const inbound = { kind: 'close-wait', side: 'inbound', owner: { server: /^net:\d+$/ } };
const outbound = { kind: 'close-wait', side: 'outbound', owner: { destination: /^127\.0\.0\.1:\d+$/ } };
/** What a careless program keeps hold of. */
const kept = [];

export default {
  'greets-and-never-listens': {
    expect: { ...inbound, cause: 'never-read' },
    program: () => net.createServer((socket) => socket.write('220 ready\r\n')),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.hears('220');
      await visitor.send('HELO corpus.test\r\n');
      await visitor.leave();
    },
    fix: [[`socket.write('220 ready\\r\\n')`, `socket.resume().write('220 ready\\r\\n')`]],
    says: ['socket.resume()'],
    healthy: (clients) => clients.converse('HELO\r\n', '220 ready\r\n'),
  },

  'pauses-for-a-job-that-never-ends': {
    expect: { ...inbound, cause: 'paused', reason: 'paused-by-reader' },
    program: () =>
      net.createServer((socket) => {
        const job = new Promise(() => {});
        socket.on('data', () => {
          socket.pause();
          socket.write('queued\n');
          void job.then(() => socket.resume());
        });
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('first job\n');
      await visitor.hears('queued');
      await visitor.send('second job\n');
      await visitor.leave();
    },
    fix: [['void job.then(() => socket.resume());', 'setTimeout(() => socket.resume(), 5);']],
    says: ['socket.resume()'],
    healthy: (clients) => clients.converse('a job\n', 'queued\n'),
  },

  'takes-connections-paused-for-a-pool-that-is-full': {
    expect: { ...inbound, cause: 'paused', reason: 'paused-on-connect' },
    program: () => net.createServer({ pauseOnConnect: true }, (socket) => kept.push(socket)),
    peer: (server) => server.visit('SELECT 1;'),
    fix: [['kept.push(socket)', 'setTimeout(() => socket.destroy(), 300)']],
    says: ['socket.destroy()'],
  },

  'half-open-protocol-forgets-to-end': {
    expect: { ...inbound, cause: 'half-open-not-ended', reason: 'allow-half-open' },
    program: () =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        let lines = 0;
        socket.on('data', () => lines++);
        socket.on('end', () => socket.write(`got ${lines}\n`));
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('a line\n');
      await visitor.halfClose();
      await visitor.hears('got');
    },
    fix: [['() => socket.write(`got ${lines}\\n`)', '() => {\nsocket.write(`got ${lines}\\n`);\nsocket.end();\n}']],
    says: ['socket.end()'],
    healthy: (clients) => clients.converse('a line\n', 'got 1\n'),
  },

  'pipes-into-a-file-that-cannot-be-written': {
    expect: { ...inbound, cause: 'paused', reason: 'destination-failed' },
    program: () =>
      net.createServer((socket) => {
        const destination = createWriteStream('/dev/full');
        destination.on('error', () => socket.write('disk full\n'));
        socket.pipe(destination);
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('record 1\n');
      await visitor.hears('disk full');
      await visitor.send('record 2\n');
      await visitor.leave();
    },
    fix: [['socket.pipe(destination);', 'const callback = () => {};\npipeline(socket, destination, callback);']],
    says: ['pipeline(socket, destination, callback)'],
  },

  'lets-a-flood-stand-in-the-window': {
    expect: { ...inbound, kind: 'stalled', cause: 'never-read' },
    program: () => net.createServer((socket) => kept.push(socket)),
    async peer(server) {
      const visitor = await server.connect();
      visitor.socket.end(Buffer.alloc(server.sizes.flood));
    },
    fix: [['kept.push(socket)', 'socket.resume()']],
    says: ['socket.resume()'],
  },

  'keeps-a-reset-connection-behind-a-pause': {
    expect: { ...inbound, kind: 'reset', cause: 'paused', reason: 'paused-on-connect' },
    program: () =>
      net.createServer({ pauseOnConnect: true }, (socket) => {
        socket.on('error', () => {});
        kept.push(socket);
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('never mind');
      await sleep(150);
      visitor.reset();
    },
    fix: [['kept.push(socket);', 'setTimeout(() => socket.resume(), 300);']],
    says: ['socket.resume()'],
  },

  'answers-somebody-who-reads-no-more': {
    expect: { ...inbound, cause: 'write-stalled' },
    program: () =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => {});
        socket.resume();
        socket.on('end', () => socket.end(Buffer.alloc(24 * 1024 * 1024)));
      }),
    async peer(server) {
      const visitor = await server.connect({ read: false });
      await visitor.send('everything, please\n');
      await visitor.halfClose();
    },
    fix: [['socket.resume();', 'socket.resume();\nsocket.setTimeout(1_000, () => socket.destroy());']],
    says: ['() => socket.destroy())'],
    healthy: (clients) => clients.converse('everything', Buffer.alloc(24 * 1024 * 1024)),
  },

  'takes-the-handle-and-loses-it': {
    expect: { kind: 'close-wait', cause: 'detached-handle', side: 'unknown' },
    program: () =>
      net.createServer((socket) => {
        const handle = socket._handle;
        handle.readStop();
        socket._handle = null;
        kept.push(handle);
        socket.destroy();
      }),
    peer: (server) => server.visit('for whoever holds the handle'),
    fix: [['kept.push(handle);', 'handle.close();']],
    says: ['handle.close()'],
  },

  'reading-is-stopped-below-the-stream': {
    expect: { ...inbound, cause: 'unknown' },
    program: () =>
      net.createServer((socket) => {
        socket.on('data', () => {
          socket._handle.readStop();
          socket.write('stopped');
        });
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('one');
      await visitor.hears('stopped');
      await visitor.send('two');
      await visitor.leave();
    },
    fix: [[`socket.on('data'`, `socket.setTimeout(1_000, () => socket.destroy());\nsocket.on('data'`]],
    says: ['socket.destroy()'],
  },

  'asks-a-server-and-does-not-read-the-answer': {
    expect: { ...outbound, cause: 'paused', reason: 'paused-by-reader' },
    upstream: () => net.createServer((socket) => socket.end('the answer is long overdue')),
    program({ upstream }) {
      kept.push(net.connect(upstream, '127.0.0.1').pause());
    },
    fix: [['kept.push(', 'const wait = (socket) => setTimeout(() => socket.resume(), 300);\nwait(']],
    says: ['socket.resume()'],
  },

  'client-that-half-opens-and-stays': {
    expect: { ...outbound, cause: 'half-open-not-ended', reason: 'allow-half-open' },
    upstream: () => net.createServer((socket) => socket.end('bye')),
    program({ upstream }) {
      const socket = net.connect({ port: upstream, host: '127.0.0.1', allowHalfOpen: true });
      kept.push(socket.resume());
    },
    fix: [['kept.push(socket.resume());', `socket.resume().on('end', () => socket.end());`]],
    says: ['socket.end()'],
  },
};

// A fix types it in.
kept.push(pipeline);
