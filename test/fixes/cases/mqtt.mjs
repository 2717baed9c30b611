// mqtt.js whose handler of messages does not call back.
import mqtt from 'mqtt';
import net from 'node:net';

const kept = [];

/** A broker that publishes more than a client takes at once, and leaves. */
const upstream = () =>
  net.createServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([0x20, 2, 0, 0]));
      const message = Buffer.concat([Buffer.from([0x30, 0xe8, 7, 0, 1, 0x74]), Buffer.alloc(997)]);
      setTimeout(() => socket.end(Buffer.concat(Array.from({ length: 100 }, () => message))), 200);
    });
  });

export default {
  'a-message-is-not-called-back': {
    expect: { kind: 'close-wait', side: 'outbound', cause: 'paused', framework: 'mqtt', reason: 'destination-stalled' },
    upstream,
    program({ upstream }) {
      const client = mqtt.connect({
        host: '127.0.0.1',
        port: upstream,
        protocol: 'mqtt',
        protocolVersion: 4,
        reconnectPeriod: 0,
      });
      client.on('error', (error) => kept.push(error));
      client.handleMessage = (packet, callback) => {
        kept.push(client, packet, callback);
      };
    },
    fix: [['kept.push(client, packet, callback);', 'client.stream.setTimeout(1_000, () => client.stream.destroy());']],
    says: ['client.stream.setTimeout(', ', () => client.stream.destroy())'],
  },
};
