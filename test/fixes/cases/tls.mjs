// TLS handshakes that never end.
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { localhost } from '../../corpus/lib/peers.mjs';

export default {
  'client-error-listener-of-https-waits-for-the-handshake': {
    expect: { kind: 'close-wait', side: 'inbound', cause: 'half-open-not-ended', reason: 'handshake-not-ended' },
    program: () => {
      const server = https.createServer({ ...localhost, handshakeTimeout: 300 }, (_req, res) => res.end('fine'));
      server.on('clientError', (error, socket) => {
        console.log(error.code);
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
      return server;
    },
    async peer(server) {
      const visitor = await server.connect();
      // Says nothing, and leaves when its time is up.
      await sleep(800);
      await visitor.leave();
    },
    fix: [[`socket.end('HTTP/1.1 400 Bad Request\\r\\n\\r\\n');`, 'socket.destroy();']],
    says: ['socket.destroy()'],
  },
};
