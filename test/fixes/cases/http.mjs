// Servers of node:http that leak, and what their reports tell to write.
import http from 'node:http';

const inbound = { kind: 'close-wait', side: 'inbound' };

export default {
  'client-error-listener-only-logs': {
    expect: { ...inbound, cause: 'half-open-not-ended' },
    program: () => {
      const server = http.createServer((_request, response) => response.end('fine'));
      server.on('clientError', (error, socket) => {
        console.log(error.code, socket.remoteAddress);
      });
      return server;
    },
    peer: (server) => server.visit('GET /cut-off HTTP/1.1\r\nHost: corp'),
    fix: [['console.log(error.code, socket.remoteAddress);', 'socket.destroy(error);']],
    says: ['socket.destroy(error)'],
    healthy: (clients) => clients.ask({}, { body: 'fine' }),
  },
};
