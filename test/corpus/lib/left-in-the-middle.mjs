// The two ends of a proxy whose client leaves while the response is on its way.
import http from 'node:http';
import { isConnected } from './kernel.mjs';
import { get, until } from './peers.mjs';

/**
 * The `upstream` and `peer` of a case: a response that begins, and whose other `bytes` follow once the client has heard that,
 * has left, and the proxy has closed its connection.
 */
export function leftInTheMiddle(bytes) {
  let hasLeft;
  let left;
  return {
    upstream() {
      left = new Promise((resolve) => (hasLeft = resolve));
      return http.createServer((_request, response) => {
        response.setHeader('connection', 'close');
        response.write('begin');
        void left.then(() => response.end(Buffer.alloc(bytes)));
      });
    },
    async peer(proxy) {
      const visitor = await proxy.connect();
      const { localPort } = visitor.socket;
      await visitor.send(get('/'));
      await visitor.hears('begin');
      await visitor.leave();
      await until('the proxy to close its connection', () => !isConnected(proxy.port, localPort));
      hasLeft();
    },
  };
}
