import { once } from 'node:events';
import http from 'node:http';
import { getDefaultHighWaterMark } from 'node:stream';

/** More than Node takes of a response that nobody reads, less than what keeps the supplier's FIN from arriving. */
const CATALOGUE_BYTES = 90_000 + getDefaultHighWaterMark(false);

/** Stands in for another company's server: it answers, and closes. Resolves with its URL and an end for it. */
export async function startSupplier() {
  const server = http.createServer((_request, response) => {
    response.writeHead(200, { connection: 'close' });
    response.end('.'.repeat(CATALOGUE_BYTES));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
