// The two ends of a proxy whose client leaves while the response is on its way.
import http from 'node:http';
import { hasClients } from './kernel.mjs';
import { get, until } from './peers.mjs';

/** How long the response stands still for a client that stays. */
const STANDS_STILL_MS = 1_000;

/**
 * The `upstream` and `peer` of a case: a response that begins, and whose other `bytes` follow once the client has heard that,
 * has left, and the proxy has closed its connection.
 */
export function leftInTheMiddle(bytes) {
  let proxyIsLeft;
  let left;
  return {
    upstream() {
      left = new Promise((resolve) => (proxyIsLeft = resolve));
      return http.createServer(async (_request, response) => {
        response.setHeader('connection', 'close');
        response.write('begin');
        const { port } = await left;
        await until('the proxy to have no client', () => !hasClients(port), STANDS_STILL_MS).catch(() => undefined);
        response.end(Buffer.alloc(bytes));
      });
    },
    async peer(proxy) {
      const visitor = await proxy.connect();
      await visitor.send(get('/'));
      await visitor.hears('begin');
      await visitor.leave();
      proxyIsLeft(proxy);
    },
  };
}
