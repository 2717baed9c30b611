// pg whose connection is paused.
import net from 'node:net';
import pg from 'pg';

const kept = [];

/** Lets everybody in, notices something a moment later, and leaves. */
const upstream = () =>
  net.createServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]));
      setTimeout(() => socket.end(Buffer.from([0x4e, 0, 0, 0, 5, 0])), 300);
    });
  });

export default {
  'its-socket-is-paused': {
    expect: { kind: 'close-wait', side: 'outbound', cause: 'paused', framework: 'pg' },
    upstream,
    async program({ upstream }) {
      const client = new pg.Client({ host: '127.0.0.1', port: upstream, user: 'u', database: 'd' });
      client.on('error', (error) => kept.push(error));
      await client.connect();
      kept.push(client);
      client.connection.stream.pause();
    },
    fix: [
      [
        'client.connection.stream.pause();',
        'client.connection.stream.pause(); setTimeout(() => client.connection.stream.resume(), 500);',
      ],
    ],
    says: ['client.connection.stream.resume()'],
  },
};
