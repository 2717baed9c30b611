// ioredis whose connection is paused.
import net from 'node:net';
import { Redis } from 'ioredis';
import { once } from 'node:events';

const kept = [];

/** Answers what a client asks at first, says something later, and leaves. */
const upstream = () =>
  net.createServer((socket) => {
    socket.on('data', (data) => {
      const commands = String(data).match(/^\*\d/gm) ?? [];
      socket.write('+OK\r\n'.repeat(commands.length));
    });
    setTimeout(() => socket.end('+late\r\n'), 500);
  });

export default {
  'its-socket-is-paused': {
    expect: { kind: 'close-wait', side: 'outbound', cause: 'paused', framework: 'ioredis' },
    upstream,
    async program({ upstream }) {
      const redis = new Redis({
        host: '127.0.0.1',
        port: upstream,
        enableReadyCheck: false,
        retryStrategy: () => null,
      });
      redis.on('error', (error) => kept.push(error));
      await once(redis, 'ready');
      kept.push(redis);
      redis.stream.pause();
    },
    fix: [['redis.stream.pause();', 'redis.stream.pause(); setTimeout(() => redis.stream.resume(), 600);']],
    says: ['redis.stream.resume()'],
  },
};
