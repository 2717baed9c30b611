// The two ends of a proxy whose client leaves while the response is on its way.
import http from 'node:http';
import { hasClients } from './kernel.mjs';
import { get, until } from './peers.mjs';

/** What follows the beginning: more than a proxy reads ahead; what it leaves fits the receive window, so that the FIN arrives. */
const REST = Buffer.alloc(150 * 1024);
const BEGIN = 'begin';
/** How long the response stands still for a client that stays. */
const STANDS_STILL_MS = 1_000;

/**
 * The `upstream` and `peer` of a case: a response that begins, and whose rest follows once the client has heard that, has left,
 * and the proxy has closed its connection. Its `healthy` client stays, and gets it whole.
 */
export function leftInTheMiddle() {
  let proxyIsLeft;
  let left;
  return {
    upstream() {
      left = new Promise((resolve) => (proxyIsLeft = resolve));
      return http.createServer(async (_request, response) => {
        response.setHeader('connection', 'close');
        response.write(BEGIN);
        const { port } = await left;
        await until('the proxy to have no client', () => !hasClients(port), STANDS_STILL_MS).catch(() => undefined);
        response.end(REST);
      });
    },
    async peer(proxy) {
      const visitor = await proxy.connect();
      await visitor.send(get('/'));
      await visitor.hears(BEGIN);
      await visitor.leave();
      proxyIsLeft(proxy);
    },
    healthy: (clients) => clients.ask({}, { body: `${BEGIN}${REST.toString('latin1')}` }),
  };
}
