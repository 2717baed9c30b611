// Raw TCP programs that are well, and that a hasty detector would accuse.
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const inbound = { side: 'inbound' };

export default {
  'feeds-a-client-that-has-ended-its-own-writing': {
    expect: { ...inbound, silent: 'each line that is sent is acknowledged', looksLike: 'close-wait' },
    program: () =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        const ticker = setInterval(() => socket.write('tick\n'), 50);
        socket.resume().on('close', () => clearInterval(ticker));
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('subscribe\n');
      await visitor.halfClose();
    },
  },

  'long-answer-for-a-slow-reader': {
    expect: { ...inbound, silent: 'the answer goes out, slowly', looksLike: 'close-wait' },
    program: () =>
      net.createServer({ allowHalfOpen: true }, (socket) => {
        socket.resume().on('end', () => socket.end(Buffer.alloc(48 * 1024 * 1024)));
      }),
    async peer(server) {
      const visitor = await server.connect({ read: false });
      await visitor.send('everything, at my own pace\n');
      await visitor.halfClose();
      server.every(20, () => {
        for (let chunks = 0; chunks < 4; chunks++) visitor.socket.read();
      });
    },
  },

  'rests-for-less-than-the-deadline': {
    expect: { ...inbound, silent: 'it goes on reading in time' },
    program: () =>
      net.createServer((socket) => {
        socket.on('data', () => {
          socket.pause();
          setTimeout(() => socket.resume(), 250);
        });
      }),
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send('one');
      await sleep(50);
      await visitor.send('two');
      await visitor.leave();
    },
  },

  'event-loop-is-busy': {
    expect: { ...inbound, silent: 'the program could not have acted', watchMs: 5_000 },
    program: () =>
      net.createServer((socket) => {
        socket.on('data', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000));
      }),
    async peer(server) {
      const first = await server.connect();
      const second = await server.connect();
      await first.send('work');
      await second.leave();
      await first.leave();
    },
  },

  'works-off-what-a-client-left-behind': {
    expect: { ...inbound, silent: 'bytes are taken all the time', looksLike: 'close-wait' },
    program: () =>
      net.createServer((socket) => {
        socket.on('readable', () => {});
        const worker = setInterval(() => socket.read(512), 50);
        socket.on('close', () => clearInterval(worker));
      }),
    peer: (server) => server.visit(Buffer.alloc(130_000)),
  },

  'one-byte-and-goodbye': {
    expect: { ...inbound, silent: 'Node sees the FIN, as all has been read' },
    program: () => net.createServer((socket) => socket.once('data', () => socket.pause())),
    peer: (server) => server.visit('x'),
  },

  'connection-nobody-says-anything-on': {
    expect: { ...inbound, silent: 'it is open on both ends' },
    program: () => net.createServer((socket) => socket.resume()),
    async peer(server) {
      await server.connect();
    },
  },

  'waits-for-a-server-that-takes-its-time': {
    expect: { side: 'outbound', silent: 'both ends are open' },
    upstream: () => net.createServer((socket) => setTimeout(() => socket.end('at last'), 1_800)),
    program({ upstream }) {
      net.connect(upstream, '127.0.0.1').resume();
    },
  },
};
