// The socket of a CONNECT or an upgrade of node:http, which is the application's once the server has answered.
import http from 'node:http';

const kept = [];

export default {
  'a-refused-tunnel-is-left': {
    expect: { kind: 'close-wait', side: 'outbound', cause: 'never-read', method: undefined },
    upstream: () =>
      http.createServer().on('connect', (_request, socket) => {
        socket.write('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        setTimeout(() => socket.end('ask first'), 300);
      }),
    program({ upstream }) {
      const request = http.request({ port: upstream, host: '127.0.0.1', method: 'CONNECT', path: 'db:5432' });
      kept.push(request);
      request.on('connect', (response, socket) => {
        kept.push(response, socket);
        if (response.statusCode !== 200) return;
        socket.resume();
      });
      request.end();
    },
    fix: [['if (response.statusCode !== 200) return;', 'if (response.statusCode !== 200) return socket.resume();']],
    says: ['socket.resume()'],
  },

  'an-upgrade-is-taken-and-left': {
    expect: { kind: 'close-wait', side: 'outbound', cause: 'never-read', method: undefined },
    upstream: () =>
      http.createServer().on('upgrade', (_request, socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: feed\r\n\r\n');
        setTimeout(() => socket.end('news'), 300);
      }),
    program({ upstream }) {
      const headers = { connection: 'upgrade', upgrade: 'feed' };
      const request = http.request({ port: upstream, host: '127.0.0.1', path: '/feed', headers });
      kept.push(request);
      request.on('upgrade', (_response, socket) => {
        kept.push(socket);
      });
      request.end();
    },
    fix: [['kept.push(socket);', 'socket.resume();']],
    says: ['socket.resume()'],
  },

  'an-upgrade-is-paused': {
    expect: { kind: 'close-wait', side: 'outbound', cause: 'paused', reason: 'paused-by-reader' },
    upstream: () =>
      http.createServer().on('upgrade', (_request, socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: feed\r\n\r\nnews');
        setTimeout(() => socket.end('more news'), 300);
      }),
    program({ upstream }) {
      const headers = { connection: 'upgrade', upgrade: 'feed' };
      const request = http.request({ port: upstream, host: '127.0.0.1', path: '/feed', headers });
      request.on('upgrade', (_response, socket, head) => {
        kept.push(socket, head);
        socket.on('data', (chunk) => kept.push(chunk));
        socket.pause();
      });
      request.end();
    },
    fix: [['socket.pause();', 'socket.pause();\nsetTimeout(() => socket.resume(), 400);']],
    says: ['socket.resume()'],
  },
};
