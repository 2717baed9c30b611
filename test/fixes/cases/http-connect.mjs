// The socket of a CONNECT of node:http, which is the application's once the proxy has answered.
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
};
