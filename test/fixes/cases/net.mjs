// Servers and clients of node:net that leak, and what their reports tell to write.
import net from 'node:net';
import { pipeline, Writable } from 'node:stream';

const inbound = { kind: 'close-wait', side: 'inbound' };
const kept = [];
const LINES = 'a line\n'.repeat(3_000);
/** More than what a stream takes ahead. */
const much = (server) => server.visit('hello\n'.repeat(15_000));

export default {
  'pipes-to-an-upstream-that-resets': {
    expect: { ...inbound, cause: 'paused', reason: 'destination-failed' },
    upstream: () => net.createServer((socket) => socket.on('data', () => socket.resetAndDestroy())),
    program: ({ upstream }) =>
      net.createServer((socket) => {
        const destination = net.connect(upstream, '127.0.0.1');
        for (const each of [socket, destination]) each.on('error', () => {});
        destination.on('close', () => socket.write('upstream lost\n'));
        socket.pipe(destination);
        destination.pipe(socket);
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('query 1\n');
      await visitor.hears('upstream lost');
      await visitor.send('query 2\n');
      await visitor.leave();
    },
    fix: [['socket.pipe(destination);', 'pipeline(socket, destination, () => {});']],
    says: ['pipeline(socket, destination, '],
  },

  'pipes-into-what-has-closed': {
    expect: { ...inbound, cause: 'paused', reason: 'destination-failed' },
    program: () =>
      net.createServer((socket) => {
        const destination = new Writable({ write() {} }).destroy();
        destination.once('close', () => {
          socket.pipe(destination);
        });
      }),
    peer: much,
    fix: [
      [
        'socket.pipe(destination);',
        'if (destination.destroyed) socket.destroy();\nelse pipeline(socket, destination, () => {});',
      ],
    ],
    says: ['pipeline(socket, destination, ', 'socket.destroy()'],
  },

  'writes-to-who-never-calls-back': {
    expect: { ...inbound, cause: 'paused', reason: 'destination-stalled' },
    program: () =>
      net.createServer((socket) => {
        pipeline(socket, new Writable({ highWaterMark: 1, write() {} }), () => {});
      }),
    peer: much,
    fix: [['pipeline(socket', 'socket.setTimeout(1_000, () => socket.destroy());\npipeline(socket']],
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
    fix: [[`socket.on('error', () => {});`, `socket.setTimeout(1_000, () => socket.destroy());`]],
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
      await visitor.send('hello\n'.repeat(15_000));
      await visitor.hears('hello');
      await visitor.halfClose();
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
};
