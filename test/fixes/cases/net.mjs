// Servers and clients of node:net that leak, and what their reports tell to write.
import { createWriteStream } from 'node:fs';
import net from 'node:net';
import { pipeline, Writable } from 'node:stream';

const inbound = { kind: 'close-wait', side: 'inbound' };
const outbound = { kind: 'close-wait', side: 'outbound' };
const kept = [];
const LINES = 'a line\n'.repeat(3_000);
const hello = (server) => server.visit('hello\n');
/** More than what a stream takes ahead. */
const much = (server) => server.visit('hello\n'.repeat(15_000));

export default {
  'greets-and-never-listens': {
    expect: { ...inbound, cause: 'never-read' },
    program: () =>
      net.createServer((socket) => {
        socket.write('220 ready\r\n');
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.hears('220');
      await visitor.send('HELO corpus.test\r\n');
      await visitor.leave();
    },
    fix: [[`socket.write('220 ready\\r\\n');`, `socket.write('220 ready\\r\\n');\nsocket.resume();`]],
    says: ['socket.resume()'],
    healthy: (clients) => clients.converse('HELO\r\n', '220 ready\r\n'),
  },

  'keeps-connections-paused': {
    expect: { ...inbound, cause: 'paused', reason: 'paused-on-connect' },
    program: () =>
      net.createServer({ pauseOnConnect: true }, (socket) => {
        socket.on('data', (chunk) => socket.write(chunk));
        kept.push(socket);
      }),
    peer: hello,
    fix: [['kept.push(socket);', 'kept.push(socket);\nsocket.resume();']],
    says: ['socket.resume()'],
    healthy: (clients) => clients.converse(LINES, LINES),
  },

  'pauses-for-a-job-that-never-ends': {
    expect: { ...inbound, cause: 'paused', reason: 'paused-by-reader' },
    program: () =>
      net.createServer((socket) => {
        const job = new Promise(() => {});
        socket.on('data', (chunk) => {
          socket.pause();
          socket.write(chunk);
          void job.then(() => socket.resume());
        });
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('first job\n');
      await visitor.hears('first');
      await visitor.send('second job\n');
      await visitor.leave();
    },
    fix: [['void job.then(() => socket.resume());', 'setTimeout(() => socket.resume(), 5);']],
    says: ['socket.resume()'],
    healthy: (clients) => clients.converse(LINES, LINES),
  },

  'half-open-protocol-forgets-to-end': {
    expect: { ...inbound, cause: 'half-open-not-ended', reason: 'allow-half-open' },
    program: () =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        let bytes = 0;
        socket.on('data', (chunk) => (bytes += chunk.length));
        socket.on('end', () => socket.write(`got ${bytes}\n`));
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('a line\n');
      await visitor.halfClose();
      await visitor.hears('got');
    },
    fix: [['socket.write(`got ${bytes}\\n`)', '(socket.write(`got ${bytes}\\n`), socket.end())']],
    says: ['socket.end()'],
    healthy: (clients) => clients.converse(LINES, `got ${LINES.length}\n`),
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
    fix: [['socket.pipe(destination);', 'pipeline(socket, destination, () => {});']],
    says: ['pipeline(socket, destination, '],
  },

  'pipes-to-an-upstream-that-resets': {
    expect: { ...inbound, cause: 'paused', reason: 'destination-failed' },
    upstream: () => net.createServer((socket) => socket.on('data', () => socket.resetAndDestroy())),
    program: ({ upstream }) =>
      net.createServer((socket) => {
        const destination = net.connect(upstream, '127.0.0.1');
        for (const each of [socket, destination]) each.on('error', () => {});
        socket.pipe(destination);
        destination.pipe(socket);
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('query 1\n');
      await new Promise((resolve) => setTimeout(resolve, 200));
      await visitor.send('query 2\n');
      await visitor.leave();
    },
    fix: [['socket.pipe(destination);', 'pipeline(socket, destination, () => {});']],
    says: ['pipeline(socket, destination, '],
  },

  'writes-to-who-never-calls-back': {
    expect: { ...inbound, cause: 'paused', reason: 'destination-stalled' },
    program: () =>
      net.createServer((socket) => {
        pipeline(socket, new Writable({ highWaterMark: 1, write() {} }), () => {});
      }),
    peer: much,
    fix: [['pipeline(socket', 'socket.setTimeout(300, () => socket.destroy());\npipeline(socket']],
    says: ['() => socket.destroy())'],
  },

  'loops-and-waits': {
    expect: { ...inbound, cause: 'paused', reason: 'iterator-stopped' },
    program: () =>
      net.createServer(async (socket) => {
        socket.on('error', () => {});
        try {
          for await (const chunk of socket) await new Promise(() => kept.push(chunk));
        } catch {
          kept.length = 0;
        }
      }),
    peer: much,
    fix: [[`socket.on('error', () => {});`, `socket.setTimeout(300, () => socket.destroy());`]],
    says: ['() => socket.destroy())'],
  },

  'reads-one-line-of-many': {
    expect: { ...inbound, cause: 'paused', reason: 'readable-left' },
    program: () =>
      net.createServer((socket) => {
        socket.on('readable', () => {
          const line = socket.read(6);
          if (line !== null) socket.write(line);
        });
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('hello\n'.repeat(5_000));
      await visitor.hears('hello');
      await visitor.leave();
    },
    fix: [
      [
        `const line = socket.read(6);
          if (line !== null) socket.write(line);`,
        `for (let chunk; (chunk = socket.read()) !== null; ) socket.write(chunk);`,
      ],
    ],
    says: ['socket.read()'],
    healthy: (clients) => clients.converse(LINES, LINES),
  },

  'answers-somebody-who-reads-no-more': {
    expect: { ...inbound, cause: 'write-stalled' },
    program: () =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => {});
        socket.once('data', (data) => {
          socket.resume().on('end', () => socket.end(Buffer.alloc(data.length > 10 ? 24 * 1024 * 1024 : 100, 'z')));
        });
      }),
    async peer(server) {
      const visitor = await server.connect({ read: false });
      await visitor.send('everything, please\n');
      await visitor.halfClose();
    },
    fix: [[`socket.on('error', () => {});`, `socket.setTimeout(1_000, () => socket.destroy());`]],
    says: ['() => socket.destroy())'],
    healthy: (clients) => clients.converse('some', Buffer.alloc(100, 'z')),
  },

  'client-that-half-opens-and-stays': {
    expect: { ...outbound, cause: 'half-open-not-ended', reason: 'allow-half-open' },
    upstream: () => net.createServer((socket) => socket.end('bye')),
    program({ upstream }) {
      const socket = net.connect({ port: upstream, host: '127.0.0.1', allowHalfOpen: true });
      kept.push(socket.resume());
    },
    fix: [['kept.push(socket.resume());', `kept.push(socket.resume().on('end', () => socket.end()));`]],
    says: ['socket.end()'],
  },

  'asks-and-does-not-read-the-answer': {
    expect: { ...outbound, cause: 'paused', reason: 'paused-by-reader' },
    upstream: () => net.createServer((socket) => socket.end('the answer is long overdue')),
    program({ upstream }) {
      const socket = net.connect(upstream, '127.0.0.1').pause();
      kept.push(socket);
    },
    fix: [['kept.push(socket);', 'kept.push(socket);\nsocket.resume();']],
    says: ['socket.resume()'],
  },
};
