// TLS that is not ended: in its handshake, and on top of a connection that was plain before.
import https from 'node:https';
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { localhost, trusting } from '../../corpus/lib/peers.mjs';

/** Says STARTTLS, does what is told, and leaves when it has had its answer. */
async function mails(server) {
  const { socket, ...visitor } = await plainly(server);
  await visitor.hears('ready');
  socket.write('STARTTLS\r\n');
  await visitor.hears('go ahead');
  socket.removeAllListeners('data');
  const secure = tls.connect({ socket, ...trusting });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  secure.end('EHLO corpus.test\r\n');
  await once(secure.resume(), 'data');
}

async function plainly(server) {
  const visitor = await server.connect();
  return { socket: visitor.socket, hears: (text) => visitor.hears(text) };
}

/** A server that reads the first line, and the rest by TLS. */
const speaksStartTls = (onSecure) =>
  net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.write('220 ready\r\n');
    socket.once('data', () => {
      socket.write('220 go ahead\r\n');
      onSecure(new tls.TLSSocket(socket, { isServer: true, secureContext: tls.createSecureContext(localhost) }));
    });
  });

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

  'handshake-that-nobody-limits': {
    expect: { kind: 'close-wait', side: 'inbound', cause: 'half-open-not-ended', reason: 'handshake-not-ended' },
    program: () => {
      const secure = tls.createServer({ ...localhost }, (socket) => socket.resume());
      secure.on('tlsClientError', (error, socket) => {
        console.log(error.code, socket.remoteAddress);
      });
      return net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
        socket.on('error', () => {});
        secure.emit('connection', socket);
      });
    },
    // The beginning of a hello.
    peer: (server) => server.visit(Buffer.from([0x16, 3, 1, 2, 0, 1])),
    fix: [
      ['{ ...localhost }', '{ ...localhost, handshakeTimeout: 1_000 }'],
      ['console.log(error.code, socket.remoteAddress);', 'socket.destroy();'],
    ],
    says: ['socket.destroy()', 'handshakeTimeout'],
  },

  'starttls-is-read-to-its-end': {
    expect: { kind: 'close-wait', side: 'inbound', cause: 'half-open-not-ended', reason: 'tls-not-ended' },
    program: () =>
      speaksStartTls((socket) => {
        socket.allowHalfOpen = true;
        socket.on('error', () => {});
        socket.on('data', () => socket.write('250 ok\r\n'));
        socket.on('end', () => console.log('gone'));
      }),
    peer: mails,
    fix: [[`console.log('gone')`, 'socket.end()']],
    says: ['socket.end()'],
  },

  'starttls-is-paused': {
    expect: { kind: 'close-wait', side: 'inbound', cause: 'half-open-not-ended', reason: 'tls-not-ended' },
    program: () =>
      speaksStartTls((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.write('250 ok\r\n');
          socket.pause();
        });
      }),
    peer: mails,
    fix: [['socket.pause();', `socket.resume().on('end', () => socket.end());`]],
    says: ['socket.end()'],
  },
};
